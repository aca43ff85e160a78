using System.Globalization;
using System.Text;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>The state of a network at one poll.</summary>
/// <param name="Status">Its state.</param>
/// <param name="IsPublic">True when every node may join without being authorised.</param>
/// <param name="Mtu">Its MTU.</param>
/// <param name="Mac">This node's MAC address on the network.</param>
/// <param name="Name">Its name; null while it is not available.</param>
/// <param name="Addresses">This node's addresses on the network.</param>
internal sealed record NetworkObservation(
    ZeroTierNetworkStatus Status, bool IsPublic, int Mtu, string Mac, string? Name, IReadOnlyList<IPNetworkAddress> Addresses)
{
    private const ulong MaxMac = 0xffff_ffff_ffff;
    private const int MaxPrefix = 128;

    /// <summary>Reads the state from libzt; null when it does not know the network (any more).</summary>
    public static unsafe NetworkObservation? Read(NetworkId network)
    {
        int status = Zts.NetGetStatus(network.Value);
        if (status < 0)
        {
            return null;
        }

        ulong mac = Zts.NetGetMac(network.Value);
        return new NetworkObservation(
            (ZeroTierNetworkStatus)status,
            Zts.NetGetType(network.Value) == 1,
            Math.Max(Zts.NetGetMtu(network.Value), 0),
            mac <= MaxMac ? FormatMac(mac) : "",
            ReadName(network),
            ReadAddresses(network));
    }

    private static unsafe IReadOnlyList<IPNetworkAddress> ReadAddresses(NetworkId network)
    {
        // A larger buffer than the count that is passed: if more addresses are assigned, libzt writes beyond the count
        // (docs/protocol/4-libzt-api.md 4.5).
        const int Room = 32 + 1;
        ZtsAddress* addresses = stackalloc ZtsAddress[Room];
        new Span<ZtsAddress>(addresses, Room).Clear();
        uint count = Zts.MaxAddresses;
        if (Zts.AddrGetAll(network.Value, addresses, &count) != Zts.Ok)
        {
            return [];
        }

        var result = new List<IPNetworkAddress>();
        foreach (ref var address in new Span<ZtsAddress>(addresses, (int)Math.Min(count, Room)))
        {
            if (address.ToIPAddress() is { } ip && address.Port <= MaxPrefix)
            {
                result.Add(new IPNetworkAddress(ip, address.Port));
            }
        }

        return result;
    }

    private static unsafe string? ReadName(NetworkId network)
    {
        byte* name = stackalloc byte[(int)Zts.NetworkNameLength + 1];
        if (Zts.NetGetName(network.Value, name, Zts.NetworkNameLength) != Zts.Ok)
        {
            return null;
        }

        // Not terminated when the name fills the buffer.
        name[Zts.NetworkNameLength] = 0;
        var bytes = System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
        return Encoding.UTF8.GetString(bytes);
    }

    private static string FormatMac(ulong mac) => string.Join(
        ':', Enumerable.Range(0, 6).Select(i => ((byte)(mac >> (40 - 8 * i))).ToString("x2", CultureInfo.InvariantCulture)));
}
