using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>Several sockets on one UDP port (SO_REUSEPORT), among which Linux spreads datagrams by their source.</summary>
internal static class SharedPort
{
    private const int LevelSocket = 1;
    private const int ReusePort = 15;

    /// <summary>
    /// Lets further sockets of this process share the port of a bound socket. Since that was bound alone, it is known that no other program
    /// has the port; a node that starts later binds its first socket alone as well, and is refused.
    /// </summary>
    /// <returns>False when the system does not support it, and where the sandbox forbids shutdown: the receive of a socket that shares its
    /// port cannot be ended by a datagram to that port, which may arrive at another one.</returns>
    public static bool TryShare(Socket bound, ILinuxUdpCalls calls)
    {
        using var probe = new Socket(bound.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        return !LinuxErrno.IsForbidden(-calls.Shutdown(probe.SafeHandle)) && TryAllow(bound, calls);
    }

    /// <summary>Lets a socket share its port, from before it is bound.</summary>
    public static bool TryAllow(Socket socket, ILinuxUdpCalls calls) =>
        calls.SetOption(socket.SafeHandle, LevelSocket, ReusePort, 1) == 0;
}
