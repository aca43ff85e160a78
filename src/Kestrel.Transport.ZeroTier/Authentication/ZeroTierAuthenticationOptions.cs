using Microsoft.AspNetCore.Authentication;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>How callers are authenticated by the node that their packets come from.</summary>
public sealed class ZeroTierAuthenticationOptions : AuthenticationSchemeOptions
{
    /// <summary>
    /// Names and roles by node. Filled from the section <c>ZeroTier:Members</c>, and again whenever that changes; entries that code adds
    /// are kept. A node without an entry is authenticated too, with its ID as name and without roles.
    /// </summary>
    public IDictionary<NodeId, ZeroTierMember> Members { get; } = new Dictionary<NodeId, ZeroTierMember>();

    /// <summary>What the application does when a caller is authenticated or refused.</summary>
    public new ZeroTierAuthenticationEvents Events
    {
        get => (ZeroTierAuthenticationEvents)base.Events!;
        set => base.Events = value;
    }
}
