namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>A number that the controller gave a member under an ID, for rules to compare (chapter 3.5.3). Immutable.</summary>
internal sealed class Tag
{
    /// <summary>The tag as it came, to be shown to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>When it was issued: the controller's clock in milliseconds.</summary>
    public required ulong Timestamp { get; init; }

    public required uint Id { get; init; }

    public required uint Value { get; init; }

    public required NodeId IssuedTo { get; init; }

    public required NodeId SignedBy { get; init; }
}
