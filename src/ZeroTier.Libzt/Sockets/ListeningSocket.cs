using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The descriptor of a listener for one of the node's addresses.</summary>
internal sealed class ListeningSocket : PolledSocket
{
    // Connections accepted per round.
    private const int AcceptBudget = 64;

    // The pause in milliseconds after an unexpected error.
    private const int Pause = 100;
    private const int LogInterval = 5_000;

    // After this many consecutive connections that ended before they could be accepted, the socket itself is considered faulty.
    private const int MaxLost = 16;

    private readonly LibztListener _listener;
    private readonly StreamOptions _options;
    private readonly IPEndPoint _local;
    private bool _isPaused;
    private int _lost;
    private long _shed;
    private long _nextLog;

    internal ListeningSocket(SocketLoop loop, LibztListener listener, Descriptor descriptor, IPEndPoint local, StreamOptions options)
        : base(loop, listener.EndPoint.Network)
    {
        _listener = listener;
        _options = options;
        _local = local;
        Descriptor = descriptor;
        loop.Ports.Take(ZtsSocketType.Stream, local.Address, local.Port);
        loop.Polled.Add(this);
    }

    /// <summary>The listener that it belongs to.</summary>
    internal LibztListener Listener => _listener;

    internal IPAddress Address => _local.Address;

    /// <summary>The options of its connections.</summary>
    internal StreamOptions Options => _options;

    internal override PollEvents Interest => PollEvents.In;

    internal override bool IsPolled => !_isPaused;

    // When to log the connections reset since the last message.
    internal override long NextDeadline => _shed != 0 ? _nextLog : Never;

    internal override void OnReady(PollEvents events)
    {
        for (int i = 0; i < AcceptBudget && Descriptor is not null; i++)
        {
            if (!_listener.HasRoom())
            {
                // libzt queues up to 127 more; after that, SYNs go unanswered.
                _isPaused = true;
                break;
            }

            if (!TryAccept(isFirst: i == 0))
            {
                break;
            }
        }

        Update();
    }

    internal override void OnDeadline()
    {
        SocketLog.Shed(Loop.Logger, _shed, _listener.EndPoint);
        _shed = 0;
        _nextLog = Loop.Now + LogInterval;
    }

    internal override void End(ZeroTierException reason) => _listener.Close();

    /// <summary>Resumes accepting: the listener's queue has room again.</summary>
    internal void Resume()
    {
        _isPaused = false;
        Update();
    }

    /// <summary>Closes the descriptor and frees the port.</summary>
    internal override void Close()
    {
        if (Descriptor is not null)
        {
            Loop.Ports.Free(ZtsSocketType.Stream, _local.Address, _local.Port);
        }

        base.Close();
    }

    private bool TryAccept(bool isFirst)
    {
        Descriptor? accepted = Descriptor!.Accept(out ZtsAddress remote, out Errno error);
        if (accepted is null)
        {
            return OnAcceptFailed(error, isFirst);
        }

        Progress();
        _lost = 0;
        if (remote.ToIPAddress() is not { } address
            || accepted.LocalAddress(out ZtsAddress local) != Errno.None
            || local.ToIPAddress() is not { } own)
        {
            // The peer has already reset it.
            accepted.Dispose();
            return true;
        }

        if (!Loop.MakeRoom())
        {
            Shed();
            LingeringSocket.Reset(Loop, Network, accepted, atOnce: false);
            return true;
        }

        _listener.Add(new StreamSocket(
            Loop, Network, accepted, new IPEndPoint(own, local.Port), new IPEndPoint(address, remote.Port), _options, isAccepted: true));
        return true;
    }

    private bool OnAcceptFailed(Errno error, bool isFirst)
    {
        switch (error)
        {
            case Errno.Again:
                _lost = 0;
                if (isFirst)
                {
                    Spurious();
                }

                return false;

            case Errno.TableFull:
                // libzt has no descriptor left and has ended the connection itself (docs/protocol/4-libzt-api.md 4.8).
                Shed();
                Spurious();
                return true;

            case Errno.Aborted or Errno.Reset or Errno.NotConnected:
                // The error belongs to the connection that would have been accepted.
                Spurious();
                if (++_lost >= MaxLost)
                {
                    Rest(error);
                }

                return _lost == 1;

            default:
                Rest(error);
                return false;
        }
    }

    private void Rest(Errno error)
    {
        if (Loop.Now >= _nextLog)
        {
            SocketLog.AcceptFailed(Loop.Logger, _listener.EndPoint, ErrnoTable.Describe(error));
            _nextLog = Loop.Now + LogInterval;
        }

        BeQuiet(Pause);
    }

    // Counts a connection that was reset because no descriptor was left.
    private void Shed()
    {
        Loop.Counters.Shed();
        _shed++;
    }
}
