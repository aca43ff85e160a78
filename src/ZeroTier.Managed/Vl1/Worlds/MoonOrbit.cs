namespace ZeroTier.Managed;

/// <summary>A moon that a node is to use, with where its definition comes from. Immutable.</summary>
public sealed record MoonOrbit
{
    /// <summary>Uses a moon whose definition is at hand. It is trusted as it is.</summary>
    public MoonOrbit(Moon moon)
    {
        ArgumentNullException.ThrowIfNull(moon);
        Id = moon.Id;
        Moon = moon;
    }

    /// <summary>
    /// Uses a moon whose definition one of its roots, the seed, hands out. It is taken from that node only, as proven by its identity,
    /// which the roots in use at present must know.
    /// </summary>
    /// <param name="id">The moon's number.</param>
    /// <param name="seed">The address of one of its roots.</param>
    /// <exception cref="ArgumentException">The number is 0, or the address is reserved.</exception>
    public MoonOrbit(ulong id, NodeId seed)
    {
        ArgumentOutOfRangeException.ThrowIfZero(id);
        if (seed.IsReserved)
        {
            throw new ArgumentException($"{seed} is no node's address. Name one of the moon's roots.", nameof(seed));
        }

        Id = id;
        Seed = seed;
    }

    /// <summary>The moon's number.</summary>
    public ulong Id { get; }

    /// <summary>Who hands out the definition; null when it is at hand.</summary>
    public NodeId? Seed { get; }

    /// <summary>The definition; null when the seed hands it out.</summary>
    public Moon? Moon { get; }
}
