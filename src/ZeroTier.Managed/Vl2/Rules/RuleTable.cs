namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>A sequence of rules: the base rules of a network, or those of a capability (chapter 3.6.1). Immutable.</summary>
internal sealed class RuleTable(ReadOnlyMemory<byte> encoded)
{
    /// <summary>The rules as they came.</summary>
    public ReadOnlyMemory<byte> Encoded => encoded;
}
