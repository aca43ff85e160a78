using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Transport.ZeroTier;

/// <summary>Describes a caller whose node is proven. <c>Principal</c> holds the claims.</summary>
public sealed class ZeroTierPeerAuthenticatedContext : ResultContext<ZeroTierAuthenticationOptions>
{
    /// <summary>Creates a context.</summary>
    /// <param name="context">The request.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="options">Its options.</param>
    /// <param name="peer">The caller.</param>
    public ZeroTierPeerAuthenticatedContext(
        HttpContext context, AuthenticationScheme scheme, ZeroTierAuthenticationOptions options, IZeroTierPeerFeature peer)
        : base(context, scheme, options) => Peer = peer;

    /// <summary>The caller.</summary>
    public IZeroTierPeerFeature Peer { get; }
}

/// <summary>Describes a request that came over ZeroTier from a node that the engine cannot prove.</summary>
public sealed class ZeroTierAuthenticationFailedContext : ResultContext<ZeroTierAuthenticationOptions>
{
    /// <summary>Creates a context.</summary>
    /// <param name="context">The request.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="options">Its options.</param>
    /// <param name="reason">Why authentication failed, and the remedy.</param>
    public ZeroTierAuthenticationFailedContext(
        HttpContext context, AuthenticationScheme scheme, ZeroTierAuthenticationOptions options, string reason)
        : base(context, scheme, options) => Reason = reason;

    /// <summary>Why authentication failed, and the remedy.</summary>
    public string Reason { get; }
}

/// <summary>Describes a request that needs a ZeroTier identity and has none, before it is answered with 403.</summary>
public sealed class ZeroTierChallengeContext : PropertiesContext<ZeroTierAuthenticationOptions>
{
    /// <summary>Creates a context.</summary>
    /// <param name="context">The request.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="options">Its options.</param>
    /// <param name="properties">What the challenge was called with.</param>
    public ZeroTierChallengeContext(
        HttpContext context, AuthenticationScheme scheme, ZeroTierAuthenticationOptions options, AuthenticationProperties properties)
        : base(context, scheme, options, properties)
    {
    }

    /// <summary>True once the application has answered the request itself.</summary>
    public bool Handled { get; private set; }

    /// <summary>Tells the handler that the application has answered the request itself.</summary>
    public void HandleResponse() => Handled = true;
}
