using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Paths.RealTime;

/// <summary>Two hosts of Linux: namespaces of this process, each with a tun device at the end of the path.</summary>
internal sealed class LinuxHosts
{
    // Documentation addresses (RFC 5737).
    private static readonly IPAddress s_senderAddress = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress s_receiverAddress = IPAddress.Parse("192.0.2.2");
    private readonly NetworkNamespace _sender;
    private readonly NetworkNamespace _receiver;

    private LinuxHosts(NetworkNamespace sender, NetworkNamespace receiver, EmulatedLink down, EmulatedLink up)
    {
        _sender = sender;
        _receiver = receiver;
        Down = down;
        Up = up;
    }

    public EmulatedLink Down { get; }

    public EmulatedLink Up { get; }

    /// <summary>Makes them.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">The process may not, or there is no <c>ip</c>.</exception>
    /// <exception cref="IOException">There is no /dev/net/tun, or it cannot be set up.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not.</exception>
    public static async Task<LinuxHosts> CreateAsync()
    {
        var sender = await NetworkNamespace.CreateAsync();
        var receiver = await NetworkNamespace.CreateAsync();
        var senderDevice = await sender.RunAsync(() => Configure(s_senderAddress));
        var receiverDevice = await receiver.RunAsync(() => Configure(s_receiverAddress));
        var down = new EmulatedLink(headerBytes: 0, receiverDevice.Write);
        var up = new EmulatedLink(headerBytes: 0, senderDevice.Write);
        senderDevice.SendOver(down);
        receiverDevice.SendOver(up);
        return new LinuxHosts(sender, receiver, down, up);
    }

    /// <summary>A socket of the sender, bound.</summary>
    public async Task<Socket> OpenSenderAsync()
    {
        var socket = await _sender.RunAsync(NewSocket);
        socket.Bind(new IPEndPoint(s_senderAddress, 0));
        return socket;
    }

    /// <summary>A socket of the receiver.</summary>
    public Task<Socket> OpenReceiverAsync() => _receiver.RunAsync(NewSocket);

    /// <summary>Packets that the kernel has dropped before they came to the path.</summary>
    public async Task<long> CountDroppedAsync() =>
        await _sender.RunAsync(TunDevice.CountDropped) + await _receiver.RunAsync(TunDevice.CountDropped);

    private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private static TunDevice Configure(IPAddress address)
    {
        // Nothing is remembered from one measure to the next, and buffers grow as far as ours: the congestion control is what is compared.
        File.WriteAllText("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
        File.WriteAllText("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 33554432");
        File.WriteAllText("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 33554432");
        return TunDevice.Create($"{address}/24");
    }
}

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
