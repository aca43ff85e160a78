using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// Keeps routers and the system from cutting datagrams: a probe of a path's size proves nothing when it arrives in pieces, and many ways lose pieces.
/// </summary>
internal static class DoNotFragment
{
    private const int LevelIp = 0;
    private const int LevelIpv6 = 41;

    // Linux, ip(7): DF set, and no cached path MTU heeded, which anybody can forge a report for. What the device itself does not carry is refused.
    private const int LinuxIpMtuDiscover = 10;
    private const int LinuxIpv6MtuDiscover = 23;
    private const int LinuxProbe = 3;
    private const int WindowsIpv6DoNotFragment = 14;
    private const int AppleIpv6DoNotFragment = 62;

    /// <summary>Sets it where the system lets us; where not, sizes are found all the same, but pieces may hide what a path carries whole.</summary>
    public static void TrySet(Socket socket)
    {
        bool ipv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                socket.SetRawSocketOption(ipv6 ? LevelIpv6 : LevelIp, ipv6 ? LinuxIpv6MtuDiscover : LinuxIpMtuDiscover, BitConverter.GetBytes(LinuxProbe));
            }
            else if (!ipv6)
            {
                socket.DontFragment = true;
            }
            else if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
            {
                socket.SetRawSocketOption(LevelIpv6, OperatingSystem.IsWindows() ? WindowsIpv6DoNotFragment : AppleIpv6DoNotFragment, BitConverter.GetBytes(1));
            }
        }
        catch (SocketException)
        {
            // Not known to this system, or forbidden.
        }
    }
}
