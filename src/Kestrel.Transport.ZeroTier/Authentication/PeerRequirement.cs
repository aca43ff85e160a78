using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace Kestrel.Transport.ZeroTier.Authentication;

/// <summary>
/// Demands that the caller's ZeroTier identity has one of some values of a claim. Identities of other schemes count for nothing, whatever
/// they claim.
/// </summary>
/// <param name="type">The claim.</param>
/// <param name="values">What it may be.</param>
internal sealed class PeerRequirement(
    string type, IReadOnlyCollection<string> values) : AuthorizationHandler<PeerRequirement>, IAuthorizationRequirement
{
    /// <inheritdoc />
    public override string ToString() => $"The caller's {type} must be one of: {string.Join(", ", values)}.";

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, PeerRequirement requirement)
    {
        if (context.User.Identities.Any(requirement.IsMet))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    private bool IsMet(ClaimsIdentity identity) =>
        identity.AuthenticationType == ZeroTierAuthenticationDefaults.AuthenticationScheme
        && identity.FindAll(type).Any(claim => values.Contains(claim.Value, StringComparer.Ordinal));
}
