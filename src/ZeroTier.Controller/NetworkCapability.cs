using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller;

/// <summary>
/// Rules that permit more to the members that have them, asked where the network's own rules do not decide. A capability only permits: what
/// it drops, another may accept. Immutable and thread-safe.
/// </summary>
[JsonConverter(typeof(NetworkCapabilityJsonConverter))]
public sealed record NetworkCapability
{
    /// <summary>Capabilities that a network may have: 128.</summary>
    public const int MaxPerNetwork = 128;

    /// <summary>Makes a capability.</summary>
    /// <param name="id">What members call it.</param>
    /// <param name="rules">At most <see cref="NetworkRule.MaxPerCapability"/> reach the members.</param>
    /// <param name="isDefault">New members get it.</param>
    public NetworkCapability(uint id, ImmutableArray<NetworkRule> rules, bool isDefault = false)
    {
        Id = id;
        Rules = rules.IsDefault ? [] : rules;
        IsDefault = isDefault;
    }

    /// <summary>What members call it.</summary>
    public uint Id { get; }

    /// <summary>The rules, in order.</summary>
    public ImmutableArray<NetworkRule> Rules { get; }

    /// <summary>New members get it.</summary>
    public bool IsDefault { get; }

    /// <summary>Same ID, same rules.</summary>
    public bool Equals(NetworkCapability? other) =>
        other is not null && Id == other.Id && IsDefault == other.IsDefault && Rules.AsSpan().SequenceEqual(other.Rules.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Id, IsDefault, Rules.Length);
}
