using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// Enumerates the machine's addresses on Linux without a netlink socket: IPv4 by ioctl on the interface table, IPv6 from
/// /proc/net/if_inet6.
/// </summary>
internal static unsafe partial class LinuxAddresses
{
    private const nuint GetTable = 0x8912;
    private const nuint GetFlags = 0x8913;
    private const short InterfaceUp = 1;

    // More than machines have; further entries are ignored.
    private const int MaxEntries = 256;

    /// <summary>
    /// The addresses that other machines can reach, each with its interface; if those of a family cannot be read, its wildcard address
    /// without an interface.
    /// </summary>
    public static IEnumerable<(IPAddress Address, string? Interface)> Enumerate()
    {
        foreach (var (address, name) in Ipv4())
        {
            yield return (address, name);
        }

        bool any = false;
        foreach (var entry in Ipv6())
        {
            any = true;
            if (entry.IsStable && LocalAddresses.IsReachable(entry.Address))
            {
                yield return (entry.Address, entry.Interface);
            }
        }

        // If there is IPv6, the file contains at least the loopback address.
        if (!any && Socket.OSSupportsIPv6)
        {
            yield return (IPAddress.IPv6Any, null);
        }
    }

    /// <summary>
    /// All IPv6 addresses of the machine. Those that Linux marks as temporary (RFC 8981) or tentative (RFC 4862) are not stable: they
    /// change, or cannot be bound yet. Empty without IPv6, or if the file cannot be read.
    /// </summary>
    public static IReadOnlyList<(IPAddress Address, string Interface, bool IsStable)> Ipv6()
    {
        const int Temporary = 0x01;
        const int Tentative = 0x40;
        var result = new List<(IPAddress, string, bool)>();
        try
        {
            foreach (string line in File.ReadLines("/proc/net/if_inet6"))
            {
                string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length >= 6
                    && int.TryParse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int flags)
                    && fields[0].Length == 32)
                {
                    result.Add((new IPAddress(Convert.FromHexString(fields[0])), fields[5], (flags & (Temporary | Tentative)) == 0));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // The addresses read so far are returned.
        }

        return result;
    }

    private static List<(IPAddress Address, string? Interface)> Ipv4()
    {
        if (LinuxUdpCalls.IsSupported)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                if (ReadTable(socket.SafeHandle) is { } table)
                {
                    return table;
                }
            }
            catch (Exception e) when (e is SocketException or DllNotFoundException or EntryPointNotFoundException)
            {
            }
        }

        return [(IPAddress.Any, null)];
    }

    private static List<(IPAddress Address, string? Interface)>? ReadTable(SafeSocketHandle socket)
    {
        var entries = new LinuxInterface[MaxEntries];
        fixed (LinuxInterface* first = entries)
        {
            var table = new LinuxInterfaceTable { Length = MaxEntries * sizeof(LinuxInterface), Entries = first };
            if (ioctl(socket, GetTable, &table) != 0)
            {
                return null;
            }

            var addresses = new List<(IPAddress, string?)>();
            for (int i = 0; i < Math.Min(table.Length / sizeof(LinuxInterface), MaxEntries); i++)
            {
                // Copied first, since the ioctl overwrites the address with the flags.
                var entry = first[i];
                var address = new IPAddress(new ReadOnlySpan<byte>(entry.Value + 4, 4));
                if (entry.Family == LinuxSocketAddress.Ipv4Family
                    && LocalAddresses.IsReachable(address)
                    && ioctl(socket, GetFlags, &entry) == 0
                    && (BinaryPrimitives.ReadInt16LittleEndian(new ReadOnlySpan<byte>(entry.Value, 2)) & InterfaceUp) != 0)
                {
                    addresses.Add((address, Encoding.ASCII.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry.Name))));
                }
            }

            return addresses;
        }
    }

#pragma warning disable SYSLIB1054, IDE1006 // The C library's own name.
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ioctl(SafeSocketHandle socket, nuint request, void* argument);
#pragma warning restore SYSLIB1054, IDE1006

    /// <summary>struct ifreq: a zero-terminated name, then a socket address or flags.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    private struct LinuxInterface
    {
        [FieldOffset(0)]
        public fixed byte Name[16];

        [FieldOffset(16)]
        public ushort Family;

        [FieldOffset(16)]
        public fixed byte Value[16];
    }

    /// <summary>struct ifconf.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LinuxInterfaceTable
    {
        public int Length;
        public LinuxInterface* Entries;
    }
}
