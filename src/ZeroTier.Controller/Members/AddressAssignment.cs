using System.Net;
using ZeroTier.Managed;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>
/// Finds free addresses in the pools of a network (docs/protocol/5-http-api.md 5.7.2). The first candidate is derived from the node's
/// address, so that a node whose record was deleted gets its old address again.
/// </summary>
internal static class AddressAssignment
{
    // Bounds of a search. An exhausted pool is not searched again until an address becomes free or the network changes.
    private const int MaxIPv4Tries = 65_536;
    private const int MaxIPv6Tries = 1000;
    private const int WholeNodeAddressBits = 40;

    /// <summary>
    /// Whether a member's address is inside a route, and so is sent to the member. Returns the longest prefix length of these routes.
    /// </summary>
    public static bool TryGetPrefix(ControllerNetwork network, in IpAddress address, out int prefixLength)
    {
        prefixLength = -1;
        foreach (NetworkRoute route in network.Routes)
        {
            if (route.PrefixLength > prefixLength && address.IsInPrefix(IpAddress.From(route.Target), route.PrefixLength))
            {
                prefixLength = route.PrefixLength;
            }
        }

        return prefixLength >= 0;
    }

    /// <summary>Finds a free IPv4 address; null when there is none.</summary>
    public static IPAddress? FindIPv4(ControllerNetwork network, NodeId node, AddressTable taken)
    {
        foreach (AddressPool pool in network.AddressPools)
        {
            IpAddress first = IpAddress.From(pool.First), last = IpAddress.From(pool.Last);
            if (!first.IsIPv4 || !last.IsIPv4 || first.IsUnspecified || last.Value < first.Value)
            {
                continue;
            }

            uint start = (uint)first.Value, length = (uint)last.Value - start, step = (uint)node.Value;
            for (uint tries = 0; tries < Math.Min((ulong)length + 1, MaxIPv4Tries); tries++, step++)
            {
                var address = IpAddress.FromIPv4(length > 0 ? start + (step % length) : start);
                if (!taken.IsTaken(address) && IsUsableIPv4(network, address, isWholePool: length == 0))
                {
                    return address.ToIPAddress();
                }
            }
        }

        return null;
    }

    /// <summary>Finds a free IPv6 address; null when there is none.</summary>
    public static IPAddress? FindIPv6(ControllerNetwork network, NodeId node, AddressTable taken, RandomSource random)
    {
        foreach (AddressPool pool in network.AddressPools)
        {
            IpAddress first = IpAddress.From(pool.First), last = IpAddress.From(pool.Last);
            if (!first.IsIPv6 || !last.IsIPv6 || last.Value < first.Value)
            {
                continue;
            }

            for (int tries = 0; tries < MaxIPv6Tries; tries++)
            {
                IpAddress address = Candidate(first.Value, last.Value, node, tries, random);
                if (!taken.IsTaken(address) && IsUsableIPv6(network, address))
                {
                    return address.ToIPAddress();
                }
            }
        }

        return null;
    }

    private static IpAddress Candidate(UInt128 first, UInt128 last, NodeId node, int tries, RandomSource random)
    {
        UInt128 span = last - first;
        if (tries == 0 && span >= ((UInt128)1 << WholeNodeAddressBits) - 1)
        {
            return IpAddress.FromIPv6(first + node.Value);
        }

        // Small pools are searched completely, starting at an offset derived from the node's address, as for IPv4; large ones at random.
        return IpAddress.FromIPv6(first + (span < MaxIPv6Tries
            ? (node.Value + (UInt128)tries) % (span + 1)
            : (((UInt128)random.NextUInt64() << 64) | random.NextUInt64()) % (span + 1)));
    }

    // Excludes network and broadcast addresses, of the route and also of any /24 (people expect those), and gateways.
    private static bool IsUsableIPv4(ControllerNetwork network, in IpAddress address, bool isWholePool)
    {
        byte last = (byte)address.Value;
        if (address.IsMulticast || (last is 0 or 255 && !isWholePool))
        {
            return false;
        }

        bool isRouted = false;
        foreach (NetworkRoute route in network.Routes)
        {
            IpAddress target = IpAddress.From(route.Target);
            if (route.Via is { } via && IpAddress.From(via) == address)
            {
                return false;
            }

            if (!target.IsIPv4 || route.PrefixLength == 0 || !address.IsInPrefix(target, route.PrefixLength))
            {
                continue;
            }

            uint hosts = (uint)((1UL << (32 - route.PrefixLength)) - 1);
            if (route.PrefixLength <= 30 && !isWholePool && ((uint)address.Value & hosts) is var host && (host == 0 || host == hosts))
            {
                return false;
            }

            isRouted |= ((uint)target.Value & hosts) == 0;
        }

        return isRouted;
    }

    private static bool IsUsableIPv6(ControllerNetwork network, in IpAddress address)
    {
        if (address.IsMulticast || address.IsUnspecified)
        {
            return false;
        }

        bool isRouted = false;
        foreach (NetworkRoute route in network.Routes)
        {
            if (route.Via is { } via && IpAddress.From(via) == address)
            {
                return false;
            }

            // Excludes the subnet-router anycast address (RFC 4291, 2.6.1).
            IpAddress target = IpAddress.From(route.Target);
            if (route.Via is null && address.IsInPrefix(target, route.PrefixLength))
            {
                isRouted = true;
                if (address == target && route.PrefixLength < 127)
                {
                    return false;
                }
            }
        }

        return isRouted;
    }
}
