namespace ZeroTier.Controller;

/// <summary>A member with what the controller knows of it beside the record. Immutable.</summary>
public sealed record MemberStatus
{
    /// <summary>The record.</summary>
    public required ControllerMember Member { get; init; }

    /// <summary>When it last asked for its configuration since the controller was started; null for not yet.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Whether it has asked within the last two minutes; members ask every minute.</summary>
    public bool IsOnline { get; init; }

    /// <summary>Whether it has the addresses that it should have.</summary>
    public AddressState Addresses { get; init; }
}
