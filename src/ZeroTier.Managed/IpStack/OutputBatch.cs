using System.Buffers;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// IP packets written into one frame batch. A packet is usually written directly into its frame; one that must be fragmented, queued for
/// a neighbour or looped back is written to a separate buffer first.
/// </summary>
internal sealed class OutputBatch(IpOutput output) : IpBatch
{
    private FrameBatch? _frames;
    private byte[]? _aside;
    private int _asideLength;
    private MacAddress _mac;
    private IpAddress _destination;
    private bool _reserved;

    // The route to _destination, found with this configuration; null for none. Most batches have one destination.
    private IpInterface? _routedBy;
    private IpOutput.Route _route;
    private int _mtu;

    public void Begin() => _frames = output.BeginFrames();

    public override Span<byte> Reserve(in IpAddress source, in IpAddress destination, IpProtocol protocol, int length)
    {
        GiveBackAside();
        int header = IpHeader.LengthFor(destination);
        FindRoute(destination);
        _reserved = true;
        Span<byte> packet;
        if (_route == IpOutput.Route.Neighbor && header + length <= _mtu)
        {
            packet = _frames!.Reserve(header + length);
        }
        else
        {
            _asideLength = header + length;
            _aside = ArrayPool<byte>.Shared.Rent(_asideLength);
            packet = _aside.AsSpan(0, _asideLength);
        }

        IpHeader.Write(packet, source, destination, protocol, length, linkScope: false);
        return packet[header..];
    }

    public override void Commit()
    {
        if (!_reserved)
        {
            throw new InvalidOperationException("Nothing is reserved.");
        }

        _reserved = false;
        if (_aside is null)
        {
            _frames!.Commit(_mac, _destination.IsIPv4 ? EtherTypes.IPv4 : EtherTypes.IPv6);
            return;
        }

        output.SendPacket(_frames!, _aside.AsSpan(0, _asideLength), _destination);
        GiveBackAside();
    }

    public override void Send()
    {
        GiveBackAside();
        _reserved = false;
        var frames = _frames!;
        _frames = null;
        _routedBy = null;
        frames.Send();
        output.Return(this);
        output.FlushLoopback();
    }

    private void FindRoute(in IpAddress destination)
    {
        var configuration = output.Interface;
        if (!ReferenceEquals(configuration, _routedBy) || destination != _destination)
        {
            _route = output.FindRoute(destination, out _, out _mac);
            _mtu = output.MtuTo(destination);
            _destination = destination;

            // A neighbour that is being resolved may answer at any moment.
            _routedBy = _route == IpOutput.Route.Unresolved ? null : configuration;
        }
    }

    private void GiveBackAside()
    {
        if (_aside is { } aside)
        {
            _aside = null;
            ArrayPool<byte>.Shared.Return(aside);
        }
    }
}
