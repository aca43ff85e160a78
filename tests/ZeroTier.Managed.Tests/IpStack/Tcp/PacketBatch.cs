using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Net;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>A TCP packet on a test's wire.</summary>
internal readonly record struct Packet(IpAddress Source, IpAddress Destination, MacAddress SourceMac, byte[] Bytes);

/// <summary>Gathers the packets of one batch and hands them over when it is sent, which must be once.</summary>
internal sealed class PacketBatch(MacAddress mac, Action<List<Packet>> send) : IpBatch
{
    private readonly List<Packet> _packets = [];
    private Packet _reserved;
    private bool _isSent;

    public override Span<byte> Reserve(in IpAddress source, in IpAddress destination, IpProtocol protocol, int length)
    {
        if (protocol != IpProtocol.Tcp || length is < 20 or > TcpLink.Mtu)
        {
            throw new InvalidOperationException($"A packet of protocol {protocol} with {length} bytes.");
        }

        _reserved = new Packet(source, destination, mac, new byte[length]);
        return _reserved.Bytes;
    }

    public override void Commit() => _packets.Add(_reserved);

    public override void Send()
    {
        if (_isSent)
        {
            throw new InvalidOperationException("A batch is sent once.");
        }

        _isSent = true;
        send(_packets);
    }
}
