using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// Wraps a transport supplied by the application: when a send throws, the datagram counts as lost; and exceptions of the node do not reach
/// the transport's receive thread.
/// </summary>
internal sealed class ShieldedTransport(IDatagramTransport inner, ILogger log) : IDatagramTransport
{
    // Each kind of failure is logged once, since it may occur for every datagram.
    private bool _sendFailed;
    private bool _receiverFailed;

    public IReadOnlyList<InetEndPoint> LocalEndPoints => inner.LocalEndPoints;

    public void Start(IDatagramReceiver receiver) => inner.Start(new Receiver(this, receiver));

    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        try
        {
            inner.Send(socket, destination, datagrams, segmentSize);
        }
        catch (Exception e)
        {
            SendFailed(e);
        }
    }

    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        try
        {
            inner.SendWithHopLimit(socket, destination, datagram, hops);
        }
        catch (Exception e)
        {
            SendFailed(e);
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void SendFailed(Exception cause)
    {
        if (!Interlocked.Exchange(ref _sendFailed, true))
        {
            UdpLog.TransportThrew(log, inner.GetType().Name, cause);
        }
    }

    private void ReceiverFailed(Exception cause)
    {
        if (!Interlocked.Exchange(ref _receiverFailed, true))
        {
            UdpLog.DatagramFailed(log, inner.GetType().Name, cause);
        }
    }

    private sealed class Receiver(ShieldedTransport transport, IDatagramReceiver inner) : IDatagramReceiver
    {
        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
            try
            {
                inner.OnDatagram(socket, source, datagram);
            }
            catch (Exception e)
            {
                transport.ReceiverFailed(e);
            }
        }

        public void OnRefused(int socket, in InetEndPoint destination, int size)
        {
            try
            {
                inner.OnRefused(socket, destination, size);
            }
            catch (Exception e)
            {
                transport.ReceiverFailed(e);
            }
        }

        public void OnBatchEnd(int socket)
        {
            try
            {
                inner.OnBatchEnd(socket);
            }
            catch (Exception e)
            {
                transport.ReceiverFailed(e);
            }
        }
    }
}
