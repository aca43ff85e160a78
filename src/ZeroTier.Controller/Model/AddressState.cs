namespace ZeroTier.Controller;

/// <summary>Whether a member has the addresses that it should have.</summary>
[Flags]
public enum AddressState
{
    /// <summary>It has.</summary>
    Complete = 0,

    /// <summary>It has no IPv4 address: no pool has a free one inside a route. Enlarge the pool, or add one with a route.</summary>
    IPv4PoolExhausted = 1,

    /// <summary>It has no IPv6 address: no pool has a free one inside a route. Enlarge the pool, or add one with a route.</summary>
    IPv6PoolExhausted = 2,

    /// <summary>
    /// An address of its record belongs to another member, which had it first, and is not sent. Take it away from one of them.
    /// </summary>
    Conflict = 4,
}
