using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// A bound UDP socket of the host with a receive thread, which blocks until something arrives, delivers everything available, then ends the
/// batch.
/// </summary>
internal abstract class HostUdpSocket : IAsyncDisposable
{
    private const int FailuresBeforePause = 16;
    private static readonly TimeSpan FailurePause = TimeSpan.FromMilliseconds(100);
    private readonly ManualResetEventSlim _closing = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IDatagramReceiver? _receiver;
    private Thread? _thread;
    private int _failuresInRow;
    private bool _receiverThrew;
    private int _disposed;

    protected HostUdpSocket(Socket socket, InetEndPoint localEndPoint, int index, UdpCounters counters, ILogger logger)
    {
        Socket = socket;
        LocalEndPoint = localEndPoint;
        Index = index;
        Counters = counters;
        Logger = logger;
    }

    public InetEndPoint LocalEndPoint { get; }

    public UdpCounters Counters { get; }

    public virtual bool SegmentationOffload => false;

    public virtual bool ReceiveCoalescing => false;

    protected Socket Socket { get; }

    protected ILogger Logger { get; }

    protected int Index { get; }

    protected bool IsClosing => _closing.IsSet;

    public void Start(IDatagramReceiver receiver)
    {
        _receiver = receiver;
        _thread = new Thread(ReceiveLoop) { IsBackground = true, Name = $"ZeroTier UDP {LocalEndPoint}" };
        _thread.Start();
    }

    /// <summary>Sends a run of datagrams of equal size; the last one may be shorter. The caller has checked the arguments.</summary>
    public abstract void Send(in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>Sends one datagram with a hop limit, if the system supports that.</summary>
    public abstract void SendWithHopLimit(in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops);

    /// <summary>
    /// Ends the receive thread, then closes the socket. The receive thread itself must not wait for the result, or it waits for itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _closing.Set();
            if (_thread is not null)
            {
                Wake();
                await _ended.Task.ConfigureAwait(false);
            }

            Socket.Dispose();
            Release();
            _closing.Dispose();
        }
    }

    /// <summary>Waits for datagrams and delivers all that are available, up to a limit.</summary>
    /// <returns>Success, or the error when nothing was received.</returns>
    protected abstract SocketError ReceiveBatch();

    /// <summary>Sends what a derived class kept of the datagrams sent on the receive thread. Called after each batch.</summary>
    protected virtual void SendKept()
    {
    }

    /// <summary>Makes a blocked <see cref="ReceiveBatch"/> return.</summary>
    protected abstract void Wake();

    /// <summary>Wakes a blocked receive, on any system, by sending an empty datagram to this socket. Not counted.</summary>
    protected void SendToSelf()
    {
        var self = LocalEndPoint.ToIPEndPoint();
        if (self.Address.Equals(IPAddress.Any))
        {
            self.Address = IPAddress.Loopback;
        }
        else if (self.Address.Equals(IPAddress.IPv6Any))
        {
            self.Address = IPAddress.IPv6Loopback;
        }

        try
        {
            Socket.SendTo([], SocketFlags.None, self.Serialize());
        }
        catch (SocketException)
        {
            // The machine no longer has the address.
        }
    }

    /// <summary>Frees resources of the derived class. Called when the thread has ended and the socket is closed.</summary>
    protected virtual void Release()
    {
    }

    /// <summary>Delivers one datagram. Exceptions of the receiver do not end the thread.</summary>
    protected void Deliver(in InetEndPoint source, Span<byte> datagram)
    {
        try
        {
            _receiver!.OnDatagram(Index, source, datagram);
        }
#pragma warning disable CA1031 // An error in handling one datagram must not end reception.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReceiverThrew(e);
        }
    }

    /// <summary>Counts a failed send, and notifies the receiver if the datagram was too large.</summary>
    public void SendFailed(SocketError error, in InetEndPoint destination, int size)
    {
        Counters.SendFailed(error, 1);
        if (error == SocketError.MessageSize)
        {
            _receiver?.OnRefused(Index, destination, size);
        }
    }

    private void ReceiveLoop()
    {
        try
        {
            while (!IsClosing)
            {
                var error = TryReceiveBatch();
                if (error == SocketError.Success)
                {
                    _failuresInRow = 0;
                    EndBatch();
                }
                else if (!IsClosing)
                {
                    AfterFailure(error);
                }
            }
        }
        finally
        {
            _ended.SetResult();
        }
    }

    private SocketError TryReceiveBatch()
    {
        try
        {
            return ReceiveBatch();
        }
#pragma warning disable CA1031 // The outermost frame of a thread: an unhandled exception would end the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReceiverThrew(e);
            return SocketError.SocketError;
        }
    }

    private void EndBatch()
    {
        try
        {
            try
            {
                if (!IsClosing)
                {
                    _receiver!.OnBatchEnd(Index);
                }
            }
            finally
            {
                SendKept();
            }
        }
#pragma warning disable CA1031 // As in Deliver.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReceiverThrew(e);
        }
    }

    private void AfterFailure(SocketError error)
    {
        // Errors caused by ICMP messages about earlier datagrams, and interruptions, are not errors of this socket.
        if (error is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable
            or SocketError.NetworkUnreachable or SocketError.NetworkReset or SocketError.Interrupted or SocketError.WouldBlock)
        {
            return;
        }

        Counters.ReceiveFailed();
        if (++_failuresInRow == FailuresBeforePause)
        {
            UdpLog.ReceiveKeepsFailing(Logger, LocalEndPoint, error);
        }

        if (_failuresInRow >= FailuresBeforePause)
        {
            _closing.Wait(FailurePause);
        }
    }

    private void ReceiverThrew(Exception exception)
    {
        Counters.ReceiveFailed();
        if (!_receiverThrew)
        {
            _receiverThrew = true;
            UdpLog.ReceiverThrew(Logger, exception, LocalEndPoint);
        }
    }
}
