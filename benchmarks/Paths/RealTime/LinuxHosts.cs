using System.ComponentModel;
using System.Net;
using System.Net.Sockets;

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
    /// <exception cref="Win32Exception">The process may not, or there is no <c>ip</c>.</exception>
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
