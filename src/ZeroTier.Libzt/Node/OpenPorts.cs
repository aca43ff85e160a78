namespace ZeroTier.Libzt.Node;

/// <summary>The TCP ports that a network permits: encoded in the ID of an ad-hoc network, all ports on other networks.</summary>
internal readonly record struct OpenPorts(int First, int Last)
{
    public bool IsAll => First <= 1 && Last == ushort.MaxValue;

    public static OpenPorts Of(NetworkId network) => network.AdHocPorts is var (first, last) ? new(first, last) : new(0, ushort.MaxValue);

    /// <summary>Refuses a port that the network does not permit.</summary>
    /// <exception cref="ZeroTierException">The port is not permitted.</exception>
    public void Require(ZeroTierEndPoint endPoint)
    {
        if (endPoint.Port < First || endPoint.Port > Last)
        {
            throw new ZeroTierException(
                ZeroTierError.NotPermitted,
                $"Network {endPoint.Network} lets TCP connections through to ports {First} to {Last} only, not to {endPoint.Port}. Use a "
                + "port in that range, or a network with a wider one, for example ff0000ffff000000.");
        }
    }

    /// <summary>All permitted ports, starting at a random one.</summary>
    public IEnumerable<int> From(Random random)
    {
        int first = Math.Max(First, 1);
        int count = Last - first + 1;
        int start = count > 0 ? random.Next(count) : 0;
        for (int i = 0; i < count; i++)
        {
            yield return first + ((start + i) % count);
        }
    }

    public override string ToString() => $"{First} to {Last}";
}
