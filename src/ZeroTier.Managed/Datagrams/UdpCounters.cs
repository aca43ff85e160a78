using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// The counters behind <see cref="UdpDatagramStatistics"/>, for one socket number; a later socket with the same number continues them.
/// Thread-safe.
/// </summary>
internal sealed class UdpCounters
{
    private long _datagramsReceived;
    private long _bytesReceived;
    private long _receiveBatches;
    private long _receiveFailures;
    private long _datagramsTruncated;
    private long _datagramsSent;
    private long _bytesSent;
    private long _sendCalls;
    private long _sendUnreachable;
    private long _sendTooBig;
    private long _sendNoBuffers;
    private long _sendNotPermitted;
    private long _sendOtherFailures;

    public void Received(long datagrams, long bytes)
    {
        Interlocked.Add(ref _datagramsReceived, datagrams);
        Interlocked.Add(ref _bytesReceived, bytes);
        Interlocked.Increment(ref _receiveBatches);
    }

    public void ReceiveFailed() => Interlocked.Increment(ref _receiveFailures);

    public void Truncated() => Interlocked.Increment(ref _datagramsTruncated);

    public void Sent(int datagrams, int bytes)
    {
        Interlocked.Add(ref _datagramsSent, datagrams);
        Interlocked.Add(ref _bytesSent, bytes);
        Interlocked.Increment(ref _sendCalls);
    }

    public void SendFailed(SocketError error, int datagrams)
    {
        switch (error)
        {
            case SocketError.NetworkUnreachable:
            case SocketError.HostUnreachable:
            case SocketError.NetworkDown:
            case SocketError.HostDown:
            case SocketError.AddressNotAvailable:
                Interlocked.Add(ref _sendUnreachable, datagrams);
                break;
            case SocketError.MessageSize:
                Interlocked.Add(ref _sendTooBig, datagrams);
                break;
            case SocketError.NoBufferSpaceAvailable:
            case SocketError.WouldBlock:
                Interlocked.Add(ref _sendNoBuffers, datagrams);
                break;
            case SocketError.AccessDenied:
                Interlocked.Add(ref _sendNotPermitted, datagrams);
                break;
            default:
                Interlocked.Add(ref _sendOtherFailures, datagrams);
                break;
        }
    }

    public UdpDatagramStatistics AddTo(in UdpDatagramStatistics sum) => new()
    {
        DatagramsReceived = sum.DatagramsReceived + Volatile.Read(ref _datagramsReceived),
        BytesReceived = sum.BytesReceived + Volatile.Read(ref _bytesReceived),
        ReceiveBatches = sum.ReceiveBatches + Volatile.Read(ref _receiveBatches),
        ReceiveFailures = sum.ReceiveFailures + Volatile.Read(ref _receiveFailures),
        DatagramsTruncated = sum.DatagramsTruncated + Volatile.Read(ref _datagramsTruncated),
        DatagramsSent = sum.DatagramsSent + Volatile.Read(ref _datagramsSent),
        BytesSent = sum.BytesSent + Volatile.Read(ref _bytesSent),
        SendCalls = sum.SendCalls + Volatile.Read(ref _sendCalls),
        SendUnreachable = sum.SendUnreachable + Volatile.Read(ref _sendUnreachable),
        SendTooBig = sum.SendTooBig + Volatile.Read(ref _sendTooBig),
        SendNoBuffers = sum.SendNoBuffers + Volatile.Read(ref _sendNoBuffers),
        SendNotPermitted = sum.SendNotPermitted + Volatile.Read(ref _sendNotPermitted),
        SendOtherFailures = sum.SendOtherFailures + Volatile.Read(ref _sendOtherFailures),
    };
}
