namespace ZeroTier.Controller;

/// <summary>A member's record with its current state. Immutable.</summary>
public sealed record MemberStatus
{
    /// <summary>The record.</summary>
    public required ControllerMember Member { get; init; }

    /// <summary>The time of its last configuration request; null when there was none since the controller was opened.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Whether its last request was within the last two minutes; members repeat it every minute.</summary>
    public bool IsOnline { get; init; }

    /// <summary>Whether it has all addresses that the network assigns.</summary>
    public AddressState Addresses { get; init; }
}
