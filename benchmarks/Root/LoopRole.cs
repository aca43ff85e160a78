using System.Net;
using System.Net.Sockets;

namespace Root;

/// <summary>
/// What a root is compared with: receives datagrams and sends them on, unread, with as few system calls as Linux allows: recvmmsg,
/// sendmmsg, runs of datagrams as they came. What comes from 127.1.x.y goes to the same port of 127.2.x.y.
/// </summary>
internal static class LoopRole
{
    private const int MessagesAtOnce = 32;
    private const int LargestMessage = 65_536;
    private const int SecondByteOfAddress = 5;

    /// <summary><c>--loop</c>: runs until standard input has a line <c>stop</c> or closes.</summary>
    public static async Task<int> RunAsync()
    {
        // Closed by the end of the process, since the thread waits on it.
        var socket = LoopbackSocket.Open(IPAddress.Loopback);
        new Thread(() => SendOn(socket)) { IsBackground = true }.Start();
        Console.WriteLine($"READY {socket.LocalEndPoint}");
        while (await Console.In.ReadLineAsync() is not (null or "stop"))
        {
        }

        Console.WriteLine("STOPPED");
        return 0;
    }

    private static void SendOn(Socket socket)
    {
        using var messages = new Messages(MessagesAtOnce, LargestMessage);
        while (true)
        {
            int count = messages.Receive(socket.SafeHandle);
            for (int i = 0; i < count; i++)
            {
                messages.Address(i)[SecondByteOfAddress] = 2;
            }

            messages.TurnRound(count);
            messages.Send(socket.SafeHandle, count);
        }
    }
}
