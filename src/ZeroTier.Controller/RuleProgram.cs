using System.Collections.Immutable;

namespace ZeroTier.Controller;

/// <summary>Rules, capabilities and tags of a network, with the names defined in the rule text. Immutable and thread-safe.</summary>
public sealed class RuleProgram
{
    /// <summary>Creates a program without names, for example to format a network's rules as text.</summary>
    /// <exception cref="ArgumentException">Two capabilities or two tags have one ID.</exception>
    public RuleProgram(ImmutableArray<NetworkRule> rules, ImmutableArray<NetworkCapability> capabilities, ImmutableArray<NetworkTag> tags)
    {
        Rules = rules.IsDefault ? [] : rules;
        Capabilities = capabilities.IsDefault ? [] : capabilities;
        Tags = tags.IsDefault ? [] : tags;
        if (Capabilities.DistinctBy(capability => capability.Id).Count() != Capabilities.Length)
        {
            throw new ArgumentException("Two capabilities have the same ID; each needs one of its own.", nameof(capabilities));
        }

        if (Tags.DistinctBy(tag => tag.Id).Count() != Tags.Length)
        {
            throw new ArgumentException("Two tags have the same ID; each needs one of its own.", nameof(tags));
        }
    }

    /// <summary>The base rules.</summary>
    public ImmutableArray<NetworkRule> Rules { get; }

    /// <summary>The capabilities, in the order of the text.</summary>
    public ImmutableArray<NetworkCapability> Capabilities { get; }

    /// <summary>The tags, in the order of the text.</summary>
    public ImmutableArray<NetworkTag> Tags { get; }

    /// <summary>The IDs of the capabilities that have a name, in the order of the text.</summary>
    public IReadOnlyDictionary<string, uint> CapabilitiesByName { get; internal init; } = ImmutableDictionary<string, uint>.Empty;

    /// <summary>The tags that have a name, in the order of the text.</summary>
    public IReadOnlyDictionary<string, NamedTag> TagsByName { get; internal init; } = ImmutableDictionary<string, NamedTag>.Empty;
}

/// <summary>A tag with the names of its values. Immutable and thread-safe.</summary>
public sealed class NamedTag
{
    internal NamedTag(uint id, uint? initial, IReadOnlyDictionary<string, uint> enums, IReadOnlyDictionary<string, uint> flags)
    {
        Id = id;
        Default = initial;
        Enums = enums;
        Flags = flags;
    }

    /// <summary>The ID by which rules and members refer to it.</summary>
    public uint Id { get; }

    /// <summary>The value for members without an explicit one; null when they do not have the tag.</summary>
    public uint? Default { get; }

    /// <summary>Values by name.</summary>
    public IReadOnlyDictionary<string, uint> Enums { get; }

    /// <summary>Bits by name.</summary>
    public IReadOnlyDictionary<string, uint> Flags { get; }
}
