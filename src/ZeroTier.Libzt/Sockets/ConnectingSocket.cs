using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>An attempt to connect, until the connection is established. Has no descriptor while it waits for the next try.</summary>
internal sealed class ConnectingSocket : PolledSocket
{
    private const int RetryInterval = 50;

    private readonly TaskCompletionSource<ZeroTierConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamOptions _options;
    private readonly IPAddress _source;
    private readonly IPEndPoint _remote;
    private readonly long _routeDeadline;
    private readonly long _deadline;
    private long _retryAt = Never;
    private bool _isOver;

    internal ConnectingSocket(SocketLoop loop, NetworkId network, IPAddress source, IPEndPoint remote, StreamOptions options)
        : base(loop, network)
    {
        _source = source;
        _remote = remote;
        _options = options;
        _routeDeadline = loop.Now + loop.Limits.RouteTime;
        _deadline = loop.Now + loop.Limits.ConnectTime;
        loop.Polled.Add(this);
        Try();
        Update();
    }

    /// <summary>The connection, or the error.</summary>
    internal Task<ZeroTierConnection> Connected => _connected.Task;

    internal override PollEvents Interest => PollEvents.Out;

    internal override long NextDeadline => Math.Min(_retryAt, _deadline);

    internal override void OnReady(PollEvents events)
    {
        Errno error = Descriptor!.TakeError();
        if (error == Errno.None && (events & PollEvents.Error) != 0)
        {
            error = Errno.Reset;
        }

        if (error == Errno.None)
        {
            // Verified with a second connect call, because a late event of a previous socket with the same descriptor looks the same
            // (measured: once in some thousands).
            error = Descriptor.Connect(ZtsAddress.From(_remote.Address, _remote.Port));
        }

        switch (error)
        {
            case Errno.None or Errno.AlreadyConnected:
                Succeed();
                break;

            case Errno.AlreadyConnecting or Errno.InProgress:
                Spurious();
                break;

            default:
                OnFailed(error);
                break;
        }
    }

    internal override void OnDeadline()
    {
        if (Loop.Now >= _deadline)
        {
            Fail(SocketErrors.OfConnect(Errno.Again, _remote, Network));
        }
        else
        {
            Try();
        }
    }

    internal override void End(ZeroTierException reason) => Fail(reason);

    /// <summary>The caller has cancelled. May be called on any thread.</summary>
    internal void Cancel(CancellationToken cancellationToken)
    {
        if (_connected.TrySetCanceled(cancellationToken))
        {
            Loop.Work.Schedule(static state => ((ConnectingSocket)state!).GiveUp(), this);
        }
    }

    // Each try uses a new descriptor: lwIP's sockets cannot be used again after a failure (docs/protocol/4-libzt-api.md 8).
    private void Try()
    {
        _retryAt = Never;
        Descriptor? descriptor = Descriptor.Open(
            Loop,
            _source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? ZtsFamily.InterNetwork : ZtsFamily.InterNetworkV6,
            ZtsSocketType.Stream,
            out Errno error);
        if (descriptor is null)
        {
            Fail(SocketErrors.OfConnect(error, _remote, Network));
            return;
        }

        Descriptor = descriptor;

        // Binding the source address keeps the connection from leaving through another network.
        error = descriptor.Bind(ZtsAddress.From(_source, 0));
        if (error == Errno.None)
        {
            error = descriptor.Connect(ZtsAddress.From(_remote.Address, _remote.Port));
        }

        if (error is not (Errno.None or Errno.InProgress))
        {
            OnFailed(error);
        }
    }

    private void OnFailed(Errno error)
    {
        if (error == Errno.NoRoute && Loop.Now < _routeDeadline)
        {
            // The link is coming up, or the own address is still in duplicate address detection, which takes a second or two (section
            // 12.1).
            Descriptor?.Dispose();
            Descriptor = null;
            _retryAt = Loop.Now + RetryInterval;
            Update();
            return;
        }

        Fail(SocketErrors.OfConnect(error, _remote, Network));
    }

    private void Succeed()
    {
        Errno error = Descriptor!.LocalAddress(out ZtsAddress local);
        if (error != Errno.None || local.ToIPAddress() is not { } own)
        {
            Fail(SocketErrors.OfConnect(error, _remote, Network));
            return;
        }

        Descriptor descriptor = Descriptor;
        Descriptor = null;
        _isOver = true;
        Loop.Remove(this);
        var stream = new StreamSocket(Loop, Network, descriptor, new IPEndPoint(own, local.Port), _remote, _options, isAccepted: false);
        if (!_connected.TrySetResult(stream.Connection))
        {
            // Cancelled in the meantime, so no caller will close the connection.
            stream.End(SocketErrors.Aborted());
            stream.OnDisposed();
            stream.Discard();
        }
    }

    private void Fail(ZeroTierException error)
    {
        if (!_isOver)
        {
            Loop.Counters.ConnectFailed();
            GiveUp();
            _connected.TrySetException(error);
        }
    }

    private void GiveUp()
    {
        if (!_isOver)
        {
            _isOver = true;
            Close();
        }
    }
}
