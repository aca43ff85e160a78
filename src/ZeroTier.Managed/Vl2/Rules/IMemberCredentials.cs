using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A member's credentials as rules see them: only those that are verified and valid now (docs/protocol/3-vl2.md 3.5.8). Thread-safe.
/// </summary>
internal interface IMemberCredentials
{
    /// <summary>The rules of its capabilities, in ascending order of capability ID.</summary>
    ImmutableArray<RuleTable> Capabilities { get; }

    /// <summary>It has certificates of ownership, so that it may use only the addresses in them.</summary>
    bool StatesOwnership { get; }

    /// <summary>The value of its tag with this ID.</summary>
    bool TryGetTag(uint id, out uint value);

    /// <summary>Whether one of its certificates of ownership contains the IP address.</summary>
    bool Owns(in IpAddress address);

    /// <summary>Whether one of its certificates of ownership contains the Ethernet address.</summary>
    bool Owns(MacAddress address);
}

/// <summary>A member without credentials, as on every ad-hoc network.</summary>
internal sealed class NoCredentials : IMemberCredentials
{
    public static NoCredentials Instance { get; } = new();

    public ImmutableArray<RuleTable> Capabilities => [];

    public bool StatesOwnership => false;

    public bool TryGetTag(uint id, out uint value)
    {
        value = 0;
        return false;
    }

    public bool Owns(in IpAddress address) => false;

    public bool Owns(MacAddress address) => false;
}
