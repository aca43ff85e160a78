using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Tests whether the node's UDP port can be bound, because libzt does not report a failure (docs/protocol/4-libzt-api.md 11.3).
/// </summary>
internal static class UdpPort
{
    /// <summary>Binds the port briefly.</summary>
    /// <exception cref="ZeroTierException">The port is taken, or access is denied.</exception>
    public static void Require(int port)
    {
        try
        {
            Try(port);
        }
        catch (SocketException e)
        {
            throw new ZeroTierException(
                ZeroTierError.Underlay,
                $"UDP port {port} cannot be used: {e.Message}. Another program, perhaps another node, has it. Stop that one, set Port to "
                + "another number, or to 0 for any free port.",
                e);
        }
    }

    /// <summary>Whether the port can be bound now.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            Try(port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Try(int port)
    {
        Try(AddressFamily.InterNetwork, IPAddress.Any, port);
        if (Socket.OSSupportsIPv6)
        {
            Try(AddressFamily.InterNetworkV6, IPAddress.IPv6Any, port);
        }
    }

    private static void Try(AddressFamily family, IPAddress address, int port)
    {
        using var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        if (family == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = false;
        }

        socket.Bind(new IPEndPoint(address, port));
    }
}
