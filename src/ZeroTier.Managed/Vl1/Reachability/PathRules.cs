namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Which endpoints may be paths (docs/protocol/2-vl1.md 2.13.1). Thread-safe.</summary>
internal sealed class PathRules(IVl1Client client, AddressBlocks blocked)
{
    private volatile bool _loopbackOnly;

    /// <summary>Whether all roots are on this machine, and so all paths.</summary>
    public bool LoopbackOnly
    {
        get => _loopbackOnly;
        set => _loopbackOnly = value;
    }

    /// <summary>
    /// Whether an endpoint may be a path to a peer: no address of a virtual network; of a root, one that its planet or moon names.
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

        // Whoever signed the planet or moon means a physical address, also where a virtual network has the same range.
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
    /// A loopback planet never leaves the machine; any other never uses loopback or link-local addresses. Nothing is sent to a blocked
    /// network, nor taken from it.
    /// </summary>
    public bool IsUsable(in InetEndPoint endPoint) =>
        (_loopbackOnly ? endPoint.IsLoopback : IpScopes.IsUsableForPath(endPoint)) && !blocked.Contains(endPoint);

    /// <summary>Packets are accepted only from endpoints that could be paths.</summary>
    public bool MayComeFrom(in InetEndPoint source) => source.Port != 0 && IsUsable(source);
}
