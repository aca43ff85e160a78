using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// What rules may ask about a member: of its credentials those that are verified and usable now (docs/protocol/3-vl2.md 3.5.8).
/// Thread-safe.
/// </summary>
internal interface IMemberCredentials
{
    /// <summary>The rules of its capabilities, by rising ID.</summary>
    ImmutableArray<RuleTable> Capabilities { get; }

    /// <summary>It has certificates of ownership: what they do not name is not its own.</summary>
    bool StatesOwnership { get; }

    /// <summary>The value of its tag with this ID.</summary>
    bool TryGetTag(uint id, out uint value);

    /// <summary>Whether a certificate of ownership names the IP address.</summary>
    bool Owns(in IpAddress address);

    /// <summary>Whether a certificate of ownership names the Ethernet address.</summary>
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
