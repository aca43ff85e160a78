using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>Lingering close of an aborted connection: waits until libzt has sent a reset.</summary>
/// <remarks>
/// Closing sends a reset only if received bytes are unread, or, with a linger time of zero, if sent bytes are unacknowledged at that
/// moment. Otherwise libzt would send FIN, which the peer takes for an orderly end. Setting the keep-alive time to zero resets the
/// connection in every case: at its next slow timer tick, at most a second later, libzt considers the peer dead and sends a reset
/// (docs/protocol/4-libzt-api.md 12.6, and measured).
/// </remarks>
internal sealed class LingeringSocket : PolledSocket
{
    private readonly long _deadline;
    private bool _isEof;

    private LingeringSocket(SocketLoop loop, NetworkId network, Descriptor descriptor)
        : base(loop, network)
    {
        Descriptor = descriptor;
        _deadline = loop.Now + loop.Limits.ResetTime;
    }

    internal override PollEvents Interest => _isEof ? PollEvents.None : PollEvents.In;

    internal override long NextDeadline => _deadline;

    internal override (int Rank, long Since) Expendable => (2, _deadline);

    /// <summary>Resets a connection and closes its descriptor, now or soon.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="network">The connection's network.</param>
    /// <param name="descriptor">The descriptor; ownership passes to this method.</param>
    /// <param name="atOnce">Close without waiting: FIN has been sent, so keep-alive no longer works.</param>
    internal static void Reset(SocketLoop loop, NetworkId network, Descriptor descriptor, bool atOnce)
    {
        descriptor.SetLinger(0);
        if (atOnce || loop.IsGone || loop.Polled.IsFull || HasUnread(descriptor))
        {
            descriptor.Dispose();
            return;
        }

        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepIdle, 0);
        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepInterval, 0);
        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepCount, 0);
        descriptor.Set(OptionLevel.Socket, SocketOption.KeepAlive, 1);
        loop.Polled.Add(new LingeringSocket(loop, network, descriptor));
    }

    // Error: libzt has reset the connection. In: bytes have arrived, so that closing resets it; or the peer's FIN, after which closing
    // would not.
    internal override void OnReady(PollEvents events)
    {
        if ((events & PollEvents.Error) != 0 || HasUnread(Descriptor!))
        {
            Close();
        }
        else
        {
            _isEof = true;
            Update();
        }
    }

    internal override void OnDeadline() => Close();

    internal override void End(ZeroTierException reason)
    {
        if (Loop.IsGone)
        {
            Close();
        }
    }

    private static bool HasUnread(Descriptor descriptor)
    {
        Span<byte> one = stackalloc byte[1];
        return descriptor.Receive(one, MessageFlags.Peek, out _) > 0;
    }
}
