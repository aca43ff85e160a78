using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>A UDP socket that uses the framework's calls: one datagram per call, no allocation.</summary>
internal sealed class PortableUdpSocket : HostUdpSocket
{
    private const int DatagramsPerBatch = 64;

    [ThreadStatic]
    private static SocketAddress? s_ipv4;

    [ThreadStatic]
    private static SocketAddress? s_ipv6;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(65536, pinned: true);
    private readonly SocketAddress _source;

    public PortableUdpSocket(Socket socket, InetEndPoint localEndPoint, int index, UdpCounters counters, ILogger logger)
        : base(socket, localEndPoint, index, counters, logger) => _source = new SocketAddress(localEndPoint.Family);

    public override void Send(in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        var address = AddressOf(destination);
        do
        {
            int length = Math.Min(segmentSize, datagrams.Length);
            SendOne(address, destination, datagrams[..length]);
            datagrams = datagrams[length..];
        }
        while (!datagrams.IsEmpty);
    }

    public override void SendWithHopLimit(in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops) =>
        SendOne(AddressOf(destination), destination, datagram);

    protected override SocketError ReceiveBatch()
    {
        long datagrams = 0;
        long bytes = 0;
        try
        {
            do
            {
                int length = Socket.ReceiveFrom(_buffer, SocketFlags.None, _source);
                if (IsClosing)
                {
                    return SocketError.Success;
                }

                datagrams++;
                bytes += length;
                Deliver(Read(_source), _buffer.AsSpan(0, length));
            }
            while (datagrams < DatagramsPerBatch && Socket.Available > 0);
        }
        catch (SocketException e)
        {
            if (datagrams == 0)
            {
                return e.SocketErrorCode;
            }
        }
        catch (ObjectDisposedException)
        {
            return SocketError.OperationAborted;
        }

        Counters.Received(datagrams, bytes);
        return SocketError.Success;
    }

    protected override void Wake()
    {
        // If a firewall drops that datagram, closing the socket ends the receive.
        SendToSelf();
        Socket.Dispose();
    }

    private static SocketAddress AddressOf(in InetEndPoint endPoint)
    {
        // The offsets in sockaddr_in and sockaddr_in6 are the same on every system; the constructor writes the family.
        if (endPoint.Family == AddressFamily.InterNetwork)
        {
            var address = s_ipv4 ??= new SocketAddress(AddressFamily.InterNetwork);
            var bytes = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], endPoint.Port);
            endPoint.WriteAddress(bytes[4..]);
            return address;
        }
        else
        {
            var address = s_ipv6 ??= new SocketAddress(AddressFamily.InterNetworkV6);
            var bytes = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], endPoint.Port);
            endPoint.WriteAddress(bytes[8..]);
            return address;
        }
    }

    private static InetEndPoint Read(SocketAddress address)
    {
        var bytes = address.Buffer.Span;
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return address.Family == AddressFamily.InterNetwork
            ? InetEndPoint.FromBytes(bytes.Slice(4, 4), port)
            : InetEndPoint.FromBytes(bytes.Slice(8, 16), port);
    }

    private void SendOne(SocketAddress address, in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        try
        {
            Socket.SendTo(datagram, SocketFlags.None, address);
            Counters.Sent(1, datagram.Length);
        }
        catch (SocketException e)
        {
            SendFailed(e.SocketErrorCode, destination, datagram.Length);
        }
        catch (ObjectDisposedException)
        {
            Counters.SendFailed(SocketError.OperationAborted, 1);
        }
    }
}
