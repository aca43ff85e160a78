namespace ZeroTier.Libzt.Node;

/// <summary>
/// The TCP ports to which a network lets connections be opened; an ad-hoc network has them in its ID, others do not tell.
/// </summary>
internal readonly record struct OpenPorts(int First, int Last)
{
    public bool IsAll => First <= 1 && Last == ushort.MaxValue;

    public static OpenPorts Of(NetworkId network) => network.AdHocPorts is var (first, last) ? new(first, last) : new(0, ushort.MaxValue);

    /// <summary>Refuses a port that nothing would get through to.</summary>
    /// <exception cref="ZeroTierException">The port is not open.</exception>
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

    /// <summary>Every open port, from a random one on.</summary>
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
