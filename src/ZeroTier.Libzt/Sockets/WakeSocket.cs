using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The one way to end a running poll: a spare UDP socket in its set, which any thread may close (docs/protocol/4-libzt-api.md 12.2). The
/// loop makes the next one.
/// </summary>
/// <remarks>
/// The exception to the rule that only the loop's thread touches descriptors. It is safe: no other call is ever made on this socket, and
/// only the loop makes sockets, so the freed number cannot belong to another one before the loop has looked.
/// </remarks>
internal sealed class WakeSocket(SocketCounters counters)
{
    private int _fd = -1;
    private int _wakers;

    /// <summary>The descriptor to poll, or -1 when libzt has none left; then the loop must not sleep long.</summary>
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

    /// <summary>The descriptor is still the one to poll, or there was none: the loop was not woken since <see cref="Ensure"/>.</summary>
    internal bool Is(int fd) => Volatile.Read(ref _fd) == fd;

    /// <summary>Ends the poll that runs or is about to. Any thread, but only after the loop has said that it sleeps.</summary>
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

    /// <summary>Closes the socket and waits for wakers that are just closing one: afterwards the node may stop.</summary>
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
