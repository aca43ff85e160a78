using System.Net;

namespace ZeroTier.Managed.Net;

/// <summary>A set of a few IP networks (prefixes). Immutable; a look-up allocates nothing.</summary>
internal sealed class AddressBlocks
{
    private readonly (IpAddress Prefix, int Length)[] _blocks;

    public AddressBlocks(IEnumerable<IPNetwork> networks) =>
        _blocks = [.. networks.Select(network => (IpAddress.From(network.BaseAddress), LengthOf(network)))];

    /// <summary>Whether an address lies in one of the networks.</summary>
    public bool Contains(in InetEndPoint endPoint) => _blocks.Length != 0 && !endPoint.IsNone && Contains(endPoint.Address);

    /// <summary>Whether an address lies in one of the networks.</summary>
    public bool Contains(in IpAddress address)
    {
        foreach (var (prefix, length) in _blocks)
        {
            if (address.IsInPrefix(prefix, length))
            {
                return true;
            }
        }

        return false;
    }

    // IPv4-mapped IPv6 networks are treated as IPv4: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
    private static int LengthOf(IPNetwork network) =>
        network.BaseAddress.IsIPv4MappedToIPv6 ? Math.Max(0, network.PrefixLength - 96) : network.PrefixLength;
}
