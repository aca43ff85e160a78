using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller;

/// <summary>
/// A capability: a set of rules that permits further traffic to the members that hold it, evaluated when the network's own rules do not
/// decide. It can only permit: a frame that one capability drops may be accepted by another. Immutable and thread-safe.
/// </summary>
[JsonConverter(typeof(NetworkCapabilityJsonConverter))]
public sealed record NetworkCapability
{
    /// <summary>The maximum number of capabilities of a network: 128.</summary>
    public const int MaxPerNetwork = 128;

    /// <summary>Creates a capability.</summary>
    /// <param name="id">The ID by which members refer to it.</param>
    /// <param name="rules">The rules; a network refuses more than <see cref="NetworkRule.MaxPerCapability"/>.</param>
    /// <param name="isDefault">Whether new members get it.</param>
    public NetworkCapability(uint id, ImmutableArray<NetworkRule> rules, bool isDefault = false)
    {
        Id = id;
        Rules = rules.IsDefault ? [] : rules;
        IsDefault = isDefault;
    }

    /// <summary>The ID by which members refer to it.</summary>
    public uint Id { get; }

    /// <summary>The rules, in order.</summary>
    public ImmutableArray<NetworkRule> Rules { get; }

    /// <summary>Whether new members get it.</summary>
    public bool IsDefault { get; }

    /// <summary>True when ID, rules and default are equal.</summary>
    public bool Equals(NetworkCapability? other) =>
        other is not null && Id == other.Id && IsDefault == other.IsDefault && Rules.AsSpan().SequenceEqual(other.Rules.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Id, IsDefault, Rules.Length);
}
