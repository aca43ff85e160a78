namespace Kestrel.Transport.ZeroTier;

/// <summary>Events of ZeroTier authentication. Override the methods, or set the delegates that they call.</summary>
public class ZeroTierAuthenticationEvents
{
    /// <summary>
    /// Called with the principal of a caller whose node is proven; may add claims, replace the principal, or fail the request.
    /// </summary>
    public Func<ZeroTierPeerAuthenticatedContext, Task> OnPeerAuthenticated { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Called when a request came over ZeroTier but the engine cannot prove its node.</summary>
    public Func<ZeroTierAuthenticationFailedContext, Task> OnAuthenticationFailed { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Called before a request that needs a ZeroTier identity and has none is answered with 403.</summary>
    public Func<ZeroTierChallengeContext, Task> OnChallenge { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Calls <see cref="OnPeerAuthenticated"/>.</summary>
    /// <param name="context">The caller.</param>
    public virtual Task PeerAuthenticated(ZeroTierPeerAuthenticatedContext context) => OnPeerAuthenticated(context);

    /// <summary>Calls <see cref="OnAuthenticationFailed"/>.</summary>
    /// <param name="context">The request.</param>
    public virtual Task AuthenticationFailed(ZeroTierAuthenticationFailedContext context) => OnAuthenticationFailed(context);

    /// <summary>Calls <see cref="OnChallenge"/>.</summary>
    /// <param name="context">The request.</param>
    public virtual Task Challenge(ZeroTierChallengeContext context) => OnChallenge(context);
}
