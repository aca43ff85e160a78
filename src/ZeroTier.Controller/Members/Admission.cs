using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace ZeroTier.Controller.Members;

/// <summary>How a request ends.</summary>
internal enum AdmissionResult
{
    /// <summary>The member gets its configuration.</summary>
    Admitted,

    /// <summary>The node is no member.</summary>
    Denied,

    /// <summary>Its user must log in first.</summary>
    LoginRequired,
}

/// <summary>Decides who is let in (docs/protocol/5-http-api.md 5.7.1), and what follows from being let in (5.7.2). Without state.</summary>
internal static class Admission
{
    /// <summary>Decides about a member, whose identity has been compared.</summary>
    /// <param name="network">The network.</param>
    /// <param name="member">The member's record; of a new node, a new one.</param>
    /// <param name="isNew">Whether the node was unknown before.</param>
    /// <param name="metadata">What it says of itself; null where it did not ask, but is to be told of a change.</param>
    /// <param name="now">The time.</param>
    /// <returns>The result, and the record as it is afterwards, with the old revision.</returns>
    public static (AdmissionResult Result, ControllerMember Record) Decide(
        ControllerNetwork network, ControllerMember member, bool isNew, MemberMetadata? metadata, DateTimeOffset now)
    {
        if (!member.IsAuthorized && metadata is null)
        {
            return (AdmissionResult.Denied, member);
        }

        // A network that requires a login, and a member that has none: whether it is authorised is not told before, and it becomes so
        // after.
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

    /// <summary>The record of a member that is let in now.</summary>
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

    // All tokens are compared, each in constant time: how long it takes tells nothing of how much was right.
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
