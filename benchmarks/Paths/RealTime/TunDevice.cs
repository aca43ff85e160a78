using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Paths.RealTime;

/// <summary>
/// The only network interface of a namespace besides loopback: what the kernel sends is read here, what is written here it receives.
/// </summary>
internal sealed class TunDevice
{
    // As many packets as the kernel may send at once: what is lost here is not lost by the emulated path.
    private const int QueuePackets = 20_000;
    private const string Name = "path0";
    private readonly SafeFileHandle _file;

    private TunDevice(SafeFileHandle file) => _file = file;

    /// <summary>Makes it in the calling thread's namespace, with this address.</summary>
    /// <param name="address">An address and the length of its prefix.</param>
    public static TunDevice Create(string address)
    {
        var file = File.OpenHandle("/dev/net/tun", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        LinuxCalls.MakeTun(file, "path0"u8);
        Ip("address", "add", address, "dev", Name);
        Ip("link", "set", Name, "mtu", $"{EmulatedLink.Mtu}", "txqueuelen", $"{QueuePackets}", "up");
        return new TunDevice(file);
    }

    /// <summary>Packets that the kernel has dropped before they came here; to be called in the device's namespace.</summary>
    public static long CountDropped()
    {
        // Interface: 8 columns of what was received, then bytes, packets, errors and drops of what was sent.
        string line = File.ReadLines("/proc/thread-self/net/dev").First(line => line.Contains(Name, StringComparison.Ordinal));
        return long.Parse(line.Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[11]);
    }

    /// <summary>Sends what comes from the kernel over a link, as long as the process lives.</summary>
    public void SendOver(EmulatedLink link) => new Thread(() =>
    {
        LinuxCalls.RunFirst();
        Span<byte> buffer = stackalloc byte[EmulatedLink.Mtu];
        while (LinuxCalls.Read(_file, buffer) is > 0 and var length)
        {
            link.Send(buffer[..(int)length]);
        }
    })
    { IsBackground = true, Name = "Tun device" }.Start();

    /// <summary>Gives a packet to the kernel.</summary>
    public void Write(EmulatedPacket packet) => LinuxCalls.Write(_file, packet.Data);

    private static void Ip(params string[] arguments)
    {
        using var ip = Process.Start("ip", arguments);
        ip.WaitForExit();
        if (ip.ExitCode != 0)
        {
            throw new IOException($"ip {string.Join(' ', arguments)} has failed.");
        }
    }
}
