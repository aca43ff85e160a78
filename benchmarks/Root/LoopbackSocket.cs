using System.Net;
using System.Net.Sockets;

namespace Root;

/// <summary>UDP sockets with the buffers that the root's have, and runs of datagrams.</summary>
internal static class LoopbackSocket
{
    private const int BufferBytes = 16 * 1024 * 1024;
    private const int LevelSocket = 1;
    private const int ForceReceiveBuffer = 33; // SO_RCVBUFFORCE

    public static Socket Open(IPAddress address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Messages.Coalesce(socket);
        socket.ReceiveBufferSize = BufferBytes;
        socket.SendBufferSize = BufferBytes / 4;
        try
        {
            socket.SetRawSocketOption(LevelSocket, ForceReceiveBuffer, BitConverter.GetBytes(BufferBytes));
        }
        catch (SocketException)
        {
            // Without the privilege the system's limit applies, to the root as well.
        }

        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }
}
