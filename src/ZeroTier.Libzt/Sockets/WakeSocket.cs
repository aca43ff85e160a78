using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// Wakes the loop: the only way to end a poll in progress is to close a socket in its set (docs/protocol/4-libzt-api.md 12.2). This is a
/// spare UDP socket for that purpose, which any thread may close; the loop then opens the next one.
/// </summary>
/// <remarks>
/// The exception to the rule that only the loop's thread uses descriptors. It is safe: no other call is ever made on this socket, and only
/// the loop opens sockets, so the freed number is not reused before the poll has returned.
/// </remarks>
internal sealed class WakeSocket(SocketCounters counters)
{
    private int _fd = -1;
    private int _wakers;

    /// <summary>
    /// Returns the descriptor to poll, opening one if necessary; -1 when libzt has none left, in which case the loop must use a short
    /// timeout.
    /// </summary>
    internal int Ensure()
    {
        int fd = Volatile.Read(ref _fd);
        if (fd < 0)
        {
            fd = Zts.Socket(ZtsFamily.InterNetworkV6, ZtsSocketType.Datagram, ZtsProtocol.Default);
            Volatile.Write(ref _fd, fd < 0 ? -1 : fd);
        }

        return fd;
    }

    /// <summary>True when the loop was not woken since <see cref="Ensure"/> returned this descriptor (or -1).</summary>
    internal bool Is(int fd) => Volatile.Read(ref _fd) == fd;

    /// <summary>
    /// Ends the current or the next poll. May be called on any thread, but only after the loop has announced that it sleeps.
    /// </summary>
    internal void Wake()
    {
        Interlocked.Increment(ref _wakers);
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0)
        {
            counters.Woken();
            Descriptor.CloseNumber(fd);
        }

        Interlocked.Decrement(ref _wakers);
    }

    /// <summary>Closes the socket and waits for threads that are just closing one; afterwards the node may be stopped.</summary>
    internal void End()
    {
        Wake();
        var spin = default(SpinWait);
        while (Volatile.Read(ref _wakers) != 0)
        {
            spin.SpinOnce();
        }
    }
}
