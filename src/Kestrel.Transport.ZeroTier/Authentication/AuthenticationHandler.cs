using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Authentication;

/// <summary>
/// Authenticates the caller by the node that the network has proven. The proof belongs to the connection, so there are no credentials to
/// ask for: a challenge is answered with 403, as in certificate authentication.
/// </summary>
internal sealed class AuthenticationHandler(
    IOptionsMonitor<ZeroTierAuthenticationOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<ZeroTierAuthenticationOptions>(options, logger, encoder)
{
    /// <summary>Why a request without a proven node is refused: the sender could have put any IP address in its packets.</summary>
    public const string Unproven =
        "The request came over a ZeroTier network, but this engine (libzt) does not prove which node sent it. Use the managed engine, "
        + "ZeroTier:Engine=Managed, to authenticate nodes.";

    private new ZeroTierAuthenticationEvents Events => (ZeroTierAuthenticationEvents)base.Events!;

    protected override Task<object> CreateEventsAsync() => Task.FromResult<object>(new ZeroTierAuthenticationEvents());

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.GetZeroTierPeer() is not { } peer)
        {
            // Requests over ordinary sockets are left to other schemes.
            return AuthenticateResult.NoResult();
        }

        if (peer.Node is not { } node)
        {
            var failed = new ZeroTierAuthenticationFailedContext(Context, Scheme, Options, Unproven);
            await Events.AuthenticationFailed(failed).ConfigureAwait(false);
            return failed.Result ?? AuthenticateResult.Fail(Unproven);
        }

        var authenticated = new ZeroTierPeerAuthenticatedContext(Context, Scheme, Options, peer)
        {
            Principal = new ClaimsPrincipal(Identify(peer, node)),
        };
        await Events.PeerAuthenticated(authenticated).ConfigureAwait(false);
        if (authenticated.Result is null)
        {
            authenticated.Success();
        }

        return authenticated.Result!;
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var challenge = new ZeroTierChallengeContext(Context, Scheme, Options, properties);
        await Events.Challenge(challenge).ConfigureAwait(false);
        if (!challenge.Handled)
        {
            await HandleForbiddenAsync(properties).ConfigureAwait(false);
        }
    }

    private ClaimsIdentity Identify(IZeroTierPeerFeature peer, NodeId node)
    {
        Options.Members.TryGetValue(node, out ZeroTierMember? member);
        string id = node.ToString();
        var identity = new ClaimsIdentity(ZeroTierAuthenticationDefaults.AuthenticationScheme, ClaimTypes.Name, ClaimTypes.Role);
        Add(identity, ClaimTypes.NameIdentifier, id);
        Add(identity, ClaimTypes.Name, member?.Name ?? id);
        Add(identity, ZeroTierClaimTypes.Node, id);
        Add(identity, ZeroTierClaimTypes.Network, peer.Network.ToString());
        // Not capabilities: their signature does not cover the holder, so any member that has received one can present it as its own.
        foreach (var (tag, value) in peer.Membership?.Tags ?? new Dictionary<uint, uint>())
        {
            Add(identity, ZeroTierClaimTypes.Tag, ZeroTierClaimTypes.TagValue(tag, value));
        }

        foreach (string role in member?.Roles ?? [])
        {
            Add(identity, ClaimTypes.Role, role);
        }

        return identity;
    }

    private void Add(ClaimsIdentity identity, string type, string value) =>
        identity.AddClaim(new Claim(type, value, ClaimValueTypes.String, ClaimsIssuer));
}
