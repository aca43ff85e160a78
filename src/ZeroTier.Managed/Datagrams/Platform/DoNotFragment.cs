using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// Disables IP fragmentation: a fragmented probe would not test the path MTU, and many paths lose fragments.
/// </summary>
internal static class DoNotFragment
{
    private const int LevelIp = 0;
    private const int LevelIpv6 = 41;

    // Linux, ip(7), IP_PMTUDISC_PROBE: sets DF and ignores path MTUs learnt from ICMP messages, which can be forged. Sends of more than the
    // device's MTU fail.
    private const int LinuxIpMtuDiscover = 10;
    private const int LinuxIpv6MtuDiscover = 23;
    private const int LinuxProbe = 3;
    private const int WindowsIpv6DoNotFragment = 14;
    private const int AppleIpv6DoNotFragment = 62;

    /// <summary>False when the system refuses, or has no such option for this family: it may then fragment.</summary>
    public static bool TrySet(Socket socket)
    {
        bool ipv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                socket.SetRawSocketOption(
                    ipv6 ? LevelIpv6 : LevelIp, ipv6 ? LinuxIpv6MtuDiscover : LinuxIpMtuDiscover, BitConverter.GetBytes(LinuxProbe));
            }
            else if (!ipv6)
            {
                socket.DontFragment = true;
            }
            else if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
            {
                socket.SetRawSocketOption(
                    LevelIpv6, OperatingSystem.IsWindows() ? WindowsIpv6DoNotFragment : AppleIpv6DoNotFragment, BitConverter.GetBytes(1));
            }
            else
            {
                return false;
            }

            return true;
        }
        catch (SocketException)
        {
            // The option is not supported, or forbidden.
            return false;
        }
    }
}
