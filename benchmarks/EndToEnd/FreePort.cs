using System.Net;
using System.Net.Sockets;

namespace EndToEnd;

/// <summary>Finds unused ports.</summary>
internal static class FreePort
{
    /// <summary>A UDP port that is free at an address.</summary>
    public static int Udp(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
