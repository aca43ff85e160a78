namespace ZeroTier.Managed;

/// <summary>A moon that a node is to use, and the source of its definition. Immutable.</summary>
public sealed record MoonOrbit
{
    /// <summary>Uses a moon whose definition is given. It is trusted without a check of its signature.</summary>
    public MoonOrbit(Moon moon)
    {
        ArgumentNullException.ThrowIfNull(moon);
        Id = moon.Id;
        Moon = moon;
    }

    /// <summary>
    /// Uses a moon whose definition is requested from one of its roots, the seed. It is accepted from that node only, authenticated by the
    /// seed's identity, which the roots in use must know.
    /// </summary>
    /// <param name="id">The moon's ID.</param>
    /// <param name="seed">The address of one of its roots.</param>
    /// <exception cref="ArgumentException">The ID is 0, or the address is reserved.</exception>
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

    /// <summary>The moon's ID.</summary>
    public ulong Id { get; }

    /// <summary>The node that sends the definition; null when <see cref="Moon"/> is given.</summary>
    public NodeId? Seed { get; }

    /// <summary>The definition; null when it is requested from <see cref="Seed"/>.</summary>
    public Moon? Moon { get; }
}
