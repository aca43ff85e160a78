namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// Which endpoints are trusted by configuration (docs/protocol/2-vl1.md 2.2.1), and under which number. Immutable; a look-up allocates
/// nothing.
/// </summary>
internal sealed class TrustedPaths
{
    private readonly (AddressBlocks Network, ulong Id)[] _paths;

    public TrustedPaths(IEnumerable<TrustedPath> paths) => _paths = [.. paths.Select(path => (new AddressBlocks([path.Network]), path.Id))];

    /// <summary>
    /// Under which number packets to an endpoint are sent in the clear; 0 for none. The first network that contains it counts.
    /// </summary>
    public ulong IdFor(in InetEndPoint endPoint)
    {
        foreach (var (network, id) in _paths)
        {
            if (network.Contains(endPoint))
            {
                return id;
            }
        }

        return 0;
    }

    /// <summary>Whether a packet from an endpoint with this number is taken as it is.</summary>
    public bool Trusts(in InetEndPoint source, ulong id)
    {
        foreach (var (network, known) in _paths)
        {
            if (known == id && network.Contains(source))
            {
                return true;
            }
        }

        return false;
    }
}
