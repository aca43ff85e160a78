using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Tests;

/// <summary>Ports of this machine that a test is about to bind.</summary>
internal static class FreePort
{
    // Below those that systems give to sockets without a port of their own (Linux: 32768 and up): no other socket comes by one in the
    // moment until it is bound.
    private const int First = 20_000;
    private const int Last = 32_767;
    private const int Attempts = 1_000;

    public static int Tcp() => Find(SocketType.Stream, ProtocolType.Tcp);

    public static int Udp() => Find(SocketType.Dgram, ProtocolType.Udp);

    private static int Find(SocketType type, ProtocolType protocol)
    {
        for (int i = 0; i < Attempts; i++)
        {
            int port = Random.Shared.Next(First, Last + 1);
            using var socket = Socket.OSSupportsIPv6 ? new Socket(type, protocol) : new Socket(AddressFamily.InterNetwork, type, protocol);
            try
            {
                socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }

        throw new InvalidOperationException($"No free port was found from {First} to {Last}.");
    }
}
