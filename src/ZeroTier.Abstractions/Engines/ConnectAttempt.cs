using System.Globalization;
using System.Net;

namespace ZeroTier.Engines;

/// <summary>An attempt to connect: its time limit, the wait for the network, and the diagnosis when it times out.</summary>
internal static class ConnectAttempt
{
    /// <summary>Runs an attempt with a time limit.</summary>
    /// <param name="limit">The limit, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="timeProvider">The clock of the limit.</param>
    /// <param name="connect">The attempt; must end soon after its token is cancelled.</param>
    /// <param name="explain">Creates the error when the limit has passed.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async ValueTask<ZeroTierConnection> RunAsync(
        TimeSpan limit,
        TimeProvider timeProvider,
        Func<CancellationToken, ValueTask<ZeroTierConnection>> connect,
        Func<ZeroTierException> explain,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (limit == Timeout.InfiniteTimeSpan)
        {
            return await connect(cancellationToken).ConfigureAwait(false);
        }

        using var timer = new CancellationTokenSource(limit, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            return await connect(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw explain();
        }
    }

    /// <summary>
    /// Resolves a host to endpoints, the best first. Waits first while a network that the host may be on is not configured yet.
    /// </summary>
    public static async ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveAsync(
        ZeroTierNode node, string host, int port, CancellationToken cancellationToken)
    {
        if (IsUndecided(node, host))
        {
            // Subscribe before checking again, so that no change is missed.
            using var events = node.Subscribe();
            if (IsUndecided(node, host))
            {
                await foreach (var _ in events.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (!IsUndecided(node, host))
                    {
                        break;
                    }
                }
            }
        }

        return await ZeroTierName.ResolveAsync(node, host, port, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why connecting to a host took longer than the limit.</summary>
    public static ZeroTierException Explain(ZeroTierNode node, string host, int port, TimeSpan limit)
    {
        if (!IPAddress.TryParse(host, out _) && !ZeroTierName.TryParseMember(host, out _, out _))
        {
            return Late(
                $"{host}:{port}",
                limit,
                ZeroTierError.TimedOut,
                "the name servers of its network do not answer, or nothing answers at its addresses. Check that both run and are "
                + $"online.{Roots(node)}");
        }

        try
        {
            var endPoint = ZeroTierName.Resolve(node, host, port);
            return NotReady(node, endPoint.Network) is { } why
                ? Late($"{host}:{port}", limit, ZeroTierError.NetworkUnavailable, why)
                : Explain(node, endPoint, limit);
        }
        catch (ZeroTierException exception)
        {
            return Late($"{host}:{port}", limit, exception.Error, exception.Message);
        }
    }

    /// <summary>Why connecting to an endpoint took longer than the limit.</summary>
    public static ZeroTierException Explain(ZeroTierNode node, ZeroTierEndPoint endPoint, TimeSpan limit)
    {
        if (ZeroTierName.MemberOf(endPoint) is not { } member)
        {
            return Late(
                endPoint,
                limit,
                ZeroTierError.TimedOut,
                $"no member of network {endPoint.Network} with this address answers. Check the address, and that its node runs and is "
                + $"online.{Roots(node)}");
        }

        var peer = node.Peers.FirstOrDefault(peer => peer.Id == member);
        if (peer is { IsDirect: true } or { IsRelayed: true })
        {
            return Late(
                endPoint,
                limit,
                ZeroTierError.TimedOut,
                $"node {member} is reached, but nothing answers there. Check that it has joined network {endPoint.Network}, that no rule "
                + $"or firewall blocks port {endPoint.Port}, and that its server is not overloaded.");
        }

        return peer is null
            ? Late(
                endPoint,
                limit,
                ZeroTierError.MemberNotFound,
                $"no root knows a node {member}. Check the address, and that its node uses the same roots and was online "
                + $"once.{Roots(node)}")
            : Late(
                endPoint,
                limit,
                ZeroTierError.TimedOut,
                $"node {member} is known, but not reached. Check that it runs and is online.{Roots(node)}");
    }

    /// <summary>
    /// Whether the host cannot be resolved yet: no ready network contains it, and a network that may contain it is not configured yet.
    /// </summary>
    private static bool IsUndecided(ZeroTierNode node, string host)
    {
        var networks = node.State == ZeroTierNodeState.Running ? node.Networks : [];
        if (ZeroTierName.TryParseMember(host, out _, out var id))
        {
            // The name is specific to that network, so wait until this node has an address there, too.
            return networks.Any(
                network => network.Id == id && (IsPending(network) || network is { Status: ZeroTierNetworkStatus.Ok, Addresses.Count: 0 }));
        }

        bool isKnown = IPAddress.TryParse(host, out var address)
            ? networks.Any(network => network.IsReady && ZeroTierName.IsOn(network, address))
            : node.Names.Covers(host);
        return !isKnown && networks.Any(IsPending);
    }

    private static bool IsPending(ZeroTierNetwork network) => network.Status == ZeroTierNetworkStatus.RequestingConfiguration;

    private static string? NotReady(ZeroTierNode node, NetworkId id) =>
        node.Networks.FirstOrDefault(network => network.Id == id) is { IsReady: false } network
            ? $"network {id} is not ready ({network.Status}): {network.Detail ?? "its controller has not answered yet."}"
            : null;

    private static string Roots(ZeroTierNode node) => node.IsOnline ? "" : " This node itself is not online: no root answers it.";

    private static ZeroTierException Late(object target, TimeSpan limit, ZeroTierError error, string why) => new(
        error,
        string.Create(
            CultureInfo.InvariantCulture, $"{target} did not answer within {limit.TotalSeconds:0.###} s (ConnectTimeout): {why}"));
}
