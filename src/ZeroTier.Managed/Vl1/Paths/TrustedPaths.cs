namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// The configured trusted paths: physical networks on which packets are not encrypted (docs/protocol/2-vl1.md 2.2.1), with their IDs.
/// Immutable; a look-up allocates nothing.
/// </summary>
internal sealed class TrustedPaths
{
    private readonly (AddressBlocks Network, ulong Id)[] _paths;

    public TrustedPaths(IEnumerable<TrustedPath> paths) => _paths = [.. paths.Select(path => (new AddressBlocks([path.Network]), path.Id))];

    /// <summary>
    /// The ID with which packets to an endpoint are sent unencrypted; 0 for none. That of the first network that contains the endpoint.
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

    /// <summary>Whether an unencrypted packet with this ID is accepted from an endpoint.</summary>
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
