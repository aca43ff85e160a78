using Microsoft.AspNetCore.Authentication;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier;

/// <summary>How callers are authenticated by the node that their packets come from.</summary>
public sealed class ZeroTierAuthenticationOptions : AuthenticationSchemeOptions
{
    /// <summary>
    /// Names and roles by node. Filled from the section <c>ZeroTier:Members</c>, and again whenever that section changes; the delegates
    /// that configure these options in code run again after it. A node without an entry is authenticated too, with its ID as name and
    /// without roles.
    /// </summary>
    public IDictionary<NodeId, ZeroTierMember> Members { get; } = new Dictionary<NodeId, ZeroTierMember>();

    /// <summary>The events that the application handles.</summary>
    public new ZeroTierAuthenticationEvents Events
    {
        get => (ZeroTierAuthenticationEvents)base.Events!;
        set => base.Events = value;
    }
}
