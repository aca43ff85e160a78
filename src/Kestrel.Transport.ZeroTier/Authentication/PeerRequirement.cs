using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace Kestrel.Transport.ZeroTier.Authentication;

/// <summary>
/// Requires that the caller's ZeroTier identity has a claim of a given type with one of the given values. Identities of other schemes are
/// ignored, whatever claims they have.
/// </summary>
/// <param name="type">The claim's type.</param>
/// <param name="values">The values that satisfy the requirement.</param>
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
