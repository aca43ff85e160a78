using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Names;

/// <summary>Resolves host names through the name servers of joined networks. Thread-safe.</summary>
/// <remarks>
/// A name belongs to the first joined network whose search domain contains it. The next such network is tried only when the first one's
/// servers answer that the name does not exist: neither a search domain claimed by a later network nor a server that does not answer can
/// take over a name. Addresses that are not on the answering network are ignored, so that no network's servers can redirect a connection to
/// another network.
/// </remarks>
internal sealed class NameResolver(ZeroTierNode node, NameResolverOptions options)
{
    private const int MaxQuestions = 32;

    private readonly NameCache _cache = new(options.TimeProvider);
    private readonly NameServerClient _servers = new(node, options);
    private readonly SemaphoreSlim _questions = new(MaxQuestions, MaxQuestions);

    /// <summary>As <see cref="ZeroTierName.ResolveAsync"/>, for hosts that are neither an address nor a member's name.</summary>
    public async ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveAsync(string host, int port, CancellationToken cancellationToken)
    {
        var named = Named();
        foreach (var (network, name) in Candidates(named, host))
        {
            if (await FindAsync(network, name, cancellationToken).ConfigureAwait(false) is { } addresses)
            {
                return [.. addresses.Select(address => new ZeroTierEndPoint(network.Network.Id, address, port))];
            }
        }

        throw Unknown(host, named);
    }

    /// <summary>Whether a network that is ready now may know the name.</summary>
    public bool Covers(string host) => Candidates(Named(), host).Any();

    // In the order of joining.
    private static IEnumerable<(NamedNetwork Network, string Name)> Candidates(List<NamedNetwork> named, string host) =>
        DnsName.Normalize(host) switch
        {
            null => [],
            { } name when name.Contains('.', StringComparison.Ordinal) =>
                named.Where(n => DnsName.IsIn(name, n.Domain)).Select(n => (n, name)),
            { } name => named.Select(n => (n, Name: DnsName.Normalize($"{name}.{n.Domain}")))
                .Where(c => c.Name is not null)
                .Select(c => (c.n, c.Name!)),
        };

    private List<NamedNetwork> Named() =>
        [.. from network in node.State == ZeroTierNodeState.Running ? node.Networks : []
            where network.IsReady && network.Settings.AllowDns && network.Dns is { Servers.Count: > 0 }
            let domain = DnsName.Normalize(network.Dns!.Domain)
            where domain is not null
            select new NamedNetwork(network, network.Dns!, domain)];

    /// <summary>The addresses of a name; null when the network's servers answer that it does not exist.</summary>
    private async ValueTask<IReadOnlyList<IPAddress>?> FindAsync(NamedNetwork network, string name, CancellationToken cancellationToken)
    {
        // Only the address families that this node has on the network, since others cannot be reached. IPv6 first.
        DnsType[] types = [.. new[] { (AddressFamily.InterNetworkV6, DnsType.Aaaa), (AddressFamily.InterNetwork, DnsType.A) }
            .Where(t => network.Network.Addresses.Any(own => own.Address.AddressFamily == t.Item1)).Select(t => t.Item2)];
        var answers = new List<DnsResponse>();
        ZeroTierException? error = null;
        var asked = types.Select(type => FollowAsync(network, new DnsQuestion(name, type), cancellationToken)).ToArray();
        await ((Task)Task.WhenAll(asked)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var asking in asked)
        {
            try
            {
                answers.Add(await asking.ConfigureAwait(false));
            }
            catch (ZeroTierException e)
            {
                // The query for the other family may still succeed: not all servers support both.
                error = e;
            }
        }

        IPAddress[] addresses = [.. answers.SelectMany(a => a.Addresses).Distinct()];
        IPAddress[] usable = [.. addresses.Where(a => ZeroTierName.IsOn(network.Network, a))];
        if (usable.Length > 0)
        {
            return usable;
        }

        if (answers.Exists(a => a.Outcome == DnsOutcome.NoSuchName))
        {
            return null;
        }

        throw error ?? new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            addresses.Length > 0
                ? $"'{name}' has addresses ({string.Join(", ", addresses.AsEnumerable())}) that are not on network {network.Network.Id}, "
                    + "whose name servers gave them. They must be in the prefix of an address of this node "
                    + $"({string.Join(", ", network.Network.Addresses)}) or behind a route of the network."
                : $"'{name}' has no address of the families that this node has on network {network.Network.Id} "
                    + $"({string.Join(", ", network.Network.Addresses)}).");
    }

    /// <summary>Queries a name, following CNAME records.</summary>
    private async Task<DnsResponse> FollowAsync(NamedNetwork network, DnsQuestion question, CancellationToken cancellationToken)
    {
        for (int aliases = 0; ; aliases++)
        {
            var response = await AskAsync(network, question, cancellationToken).ConfigureAwait(false);
            if (response.Alias is not { } alias)
            {
                return response;
            }

            if (aliases == DnsResponse.MaxAliases || DnsName.Normalize(alias) is not { } next)
            {
                throw new ZeroTierException(
                    ZeroTierError.AddressNotAvailable,
                    $"'{question.Name}' cannot be followed to an address: more than {DnsResponse.MaxAliases} aliases, or one that is no "
                    + $"host name. Mend the CNAME records on the name servers of network {network.Network.Id}.");
            }

            question = question with { Name = next };
        }
    }

    private async ValueTask<DnsResponse> AskAsync(NamedNetwork network, DnsQuestion question, CancellationToken cancellationToken)
    {
        var key = new NameKey(network.Network.Id, network.Dns, question);
        if (_cache.Find(key) is { } known)
        {
            return known;
        }

        await _questions.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The same answer may have arrived while this query waited for its turn.
            if (_cache.Find(key) is { } found)
            {
                return found;
            }

            var response = await _servers.AskAsync(network.Network.Id, network.Dns, question, cancellationToken).ConfigureAwait(false);
            _cache.Add(key, response);
            return response;
        }
        finally
        {
            _questions.Release();
        }
    }

    private ZeroTierException Unknown(string host, List<NamedNetwork> named)
    {
        if (node.State != ZeroTierNodeState.Running)
        {
            return new ZeroTierException(
                ZeroTierError.NotRunning,
                $"'{host}' cannot be found: the ZeroTier node is {node.State}. Call after the start of the node or its host, and "
                + "before its end.");
        }

        var asked = Candidates(named, host).ToArray();
        return new ZeroTierException(ZeroTierError.AddressNotAvailable, asked.Length > 0
            ? string.Join(
                ' ',
                asked.Select(
                    a => $"The name servers of network {a.Network.Network.Id} ({string.Join(", ", a.Network.Dns.Servers)}) know "
                        + $"no '{a.Name}'.")) + " Check the name, and that the servers have it."
            : $"'{host}' is not a host on a ZeroTier network. Use an address there, NODE.NETWORK.zt, for example "
                + "89e92ceee5.8056c2e21c000001.zt (NODE.zt where the node has one network), or a name in the search domain of a "
                + "joined network "
                + (named.Count == 0
                    ? "(none has name servers)."
                    : $"({string.Join(", ", named.Select(n => $"{n.Network.Id}: {n.Domain}"))})."));
    }

    /// <summary>A network with usable name servers, and its normalized search domain.</summary>
    private sealed record NamedNetwork(ZeroTierNetwork Network, ZeroTierDns Dns, string Domain);
}
