using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace Paths.RealTime;

/// <summary>The TCP of Linux with one of its congestion controls.</summary>
internal sealed class LinuxContestant(LinuxHosts hosts, string control) : Contestant($"Linux {control}", hosts.Down, hosts.Up)
{
    private const int TcpLevel = 6; // IPPROTO_TCP
    private const int CongestionOption = 13; // TCP_CONGESTION

    /// <summary>Whether the kernel has a congestion control.</summary>
    public static bool Has(string control) =>
        File.ReadAllText("/proc/sys/net/ipv4/tcp_available_congestion_control").Split().Contains(control);

    protected override async Task<List<Transfer>> OpenAsync(int streams)
    {
        using var listener = await hosts.OpenSenderAsync();
        listener.SetRawSocketOption(TcpLevel, CongestionOption, Encoding.ASCII.GetBytes(control));
        listener.Listen(streams);
        var transfers = new List<Transfer>();
        for (int i = 0; i < streams; i++)
        {
            var receiver = await hosts.OpenReceiverAsync();
            await receiver.ConnectAsync(listener.LocalEndPoint!);
            var sender = await listener.AcceptAsync();
            transfers.Add(new Transfer(
                PipeWriter.Create(new NetworkStream(sender)),
                PipeReader.Create(new NetworkStream(receiver), new StreamPipeReaderOptions(bufferSize: 64 * 1024)),
                () =>
                {
                    Abort(sender);
                    Abort(receiver);
                }));
        }

        return transfers;
    }

    private static void Abort(Socket socket)
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();
    }
}
