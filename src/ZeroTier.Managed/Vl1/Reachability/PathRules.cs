namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Which endpoints may be paths (docs/protocol/2-vl1.md 2.13.1). Thread-safe.</summary>
internal sealed class PathRules(IVl1Client client, AddressBlocks blocked)
{
    private volatile bool _loopbackOnly;

    /// <summary>Whether all roots have loopback addresses; then only loopback addresses are used for paths.</summary>
    public bool LoopbackOnly
    {
        get => _loopbackOnly;
        set => _loopbackOnly = value;
    }

    /// <summary>
    /// Whether an endpoint may be a path to a peer: it must not be an address of a virtual network; for a root, its address must be listed
    /// in the planet or moon.
    /// </summary>
    public bool CanUse(Peer peer, in InetEndPoint endPoint)
    {
        if (endPoint.Port == 0 || !IsUsable(endPoint))
        {
            return false;
        }

        if (peer.RootEndPoints.Count == 0)
        {
            return !client.IsVirtualAddress(endPoint);
        }

        // A listed address is a physical one, even if a virtual network uses the same range.
        foreach (var listed in peer.RootEndPoints)
        {
            if (listed.HasSameAddress(endPoint))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// With a loopback planet only loopback addresses are usable; otherwise loopback and link-local addresses are not. Addresses in a
    /// blocked network never are.
    /// </summary>
    public bool IsUsable(in InetEndPoint endPoint) =>
        (_loopbackOnly ? endPoint.IsLoopback : IpScopes.IsUsableForPath(endPoint)) && !blocked.Contains(endPoint);

    /// <summary>Packets are accepted only from endpoints that could be paths.</summary>
    public bool MayComeFrom(in InetEndPoint source) => source.Port != 0 && IsUsable(source);
}
