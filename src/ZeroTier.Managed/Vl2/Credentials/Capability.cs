using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Rules that extend what their holder may send (chapter 3.5.4). Immutable.</summary>
internal sealed class Capability
{
    /// <summary>The capability as it came, to be shown to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>When it was issued: the controller's clock in milliseconds.</summary>
    public required ulong Timestamp { get; init; }

    public required uint Id { get; init; }

    public required RuleTable Rules { get; init; }

    /// <summary>The last one in the chain of custody.</summary>
    public required NodeId Holder { get; init; }
}
