namespace ZeroTier.Controller;

/// <summary>Whether a member has the addresses that the network assigns.</summary>
[Flags]
public enum AddressState
{
    /// <summary>It has all of them.</summary>
    Complete = 0,

    /// <summary>It has no IPv4 address: no pool has a free one inside a route. Enlarge the pool, or add one with a route.</summary>
    IPv4PoolExhausted = 1,

    /// <summary>It has no IPv6 address: no pool has a free one inside a route. Enlarge the pool, or add one with a route.</summary>
    IPv6PoolExhausted = 2,

    /// <summary>
    /// An address in its record belongs to another member, whose record is older, and is not sent to this one. Remove it from one of the
    /// records.
    /// </summary>
    Conflict = 4,
}
