using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace ZeroTier.Controller.Members;

/// <summary>The result of a request.</summary>
internal enum AdmissionResult
{
    /// <summary>The member gets its configuration.</summary>
    Admitted,

    /// <summary>The node is not authorised.</summary>
    Denied,

    /// <summary>Its user must log in first.</summary>
    LoginRequired,
}

/// <summary>
/// Decides who is authorised (docs/protocol/5-http-api.md 5.7.1), and applies the defaults for authorised members (5.7.2). Stateless.
/// </summary>
internal static class Admission
{
    /// <summary>Decides about a member whose identity has been checked.</summary>
    /// <param name="network">The network.</param>
    /// <param name="member">The member's record; for a new node, an empty one.</param>
    /// <param name="isNew">Whether the node was unknown before.</param>
    /// <param name="metadata">The metadata of its request; null when the member has not made a request but must be informed of a
    /// change.</param>
    /// <param name="now">The time.</param>
    /// <returns>The result, and the record after it, still with the old revision.</returns>
    public static (AdmissionResult Result, ControllerMember Record) Decide(
        ControllerNetwork network, ControllerMember member, bool isNew, MemberMetadata? metadata, DateTimeOffset now)
    {
        if (!member.IsAuthorized && metadata is null)
        {
            return (AdmissionResult.Denied, member);
        }

        // On a network that requires a login, a node without one is only told to log in, whether or not it is authorised.
        if (network.RequiresLogin && !member.IsLoginExempt && !(member.LoginExpiryTime > now))
        {
            return (AdmissionResult.LoginRequired, member);
        }

        if (!member.IsAuthorized)
        {
            if (!network.IsPrivate)
            {
                member = Authorize(member, AuthorizationSource.PublicNetwork, null, now);
            }
            else if (FindToken(network, metadata!.Value.Token, now) is { } token)
            {
                member = Authorize(member, AuthorizationSource.Token, token, now);
            }
        }

        return member.IsAuthorized ? (AdmissionResult.Admitted, WithDefaults(network, member, isNew)) : (AdmissionResult.Denied, member);
    }

    /// <summary>The record of a member that is authorised now.</summary>
    public static ControllerMember Authorize(ControllerMember member, AuthorizationSource source, string? token, DateTimeOffset now) =>
        member with { IsAuthorized = true, LastAuthorizedTime = now, AuthorizedBy = source, AuthorizationToken = token };

    private static ControllerMember WithDefaults(ControllerNetwork network, ControllerMember member, bool isNew)
    {
        foreach (NetworkTag tag in network.Tags)
        {
            if (tag.Default is { } value && !member.Tags.ContainsKey(tag.Id))
            {
                member = member with { Tags = member.Tags.Add(tag.Id, value) };
            }
        }

        if (isNew && network.Capabilities.Any(c => c.IsDefault))
        {
            ImmutableSortedSet<uint> capabilities = member.Capabilities.Union(
                network.Capabilities.Where(c => c.IsDefault).Select(c => c.Id));
            member = member with { Capabilities = capabilities };
        }

        return member;
    }

    // All tokens are compared, each in constant time, so that the time does not reveal how much of a guess was right.
    private static string? FindToken(ControllerNetwork network, string? presented, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(presented))
        {
            return null;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(presented);
        string? found = null;
        foreach ((string token, DateTimeOffset? expires) in network.JoinTokens)
        {
            if (CryptographicOperations.FixedTimeEquals(bytes, Encoding.UTF8.GetBytes(token)) && (expires is null || expires > now))
            {
                found = token;
            }
        }

        return found;
    }
}
