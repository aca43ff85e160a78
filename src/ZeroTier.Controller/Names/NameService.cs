using Microsoft.Extensions.Logging;
using ZeroTier.Controller.Names;
using ZeroTier.Engines;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Controller;

namespace ZeroTier.Controller;

/// <summary>
/// Answers DNS for the members of networks with <see cref="ControllerNetwork.ServesNames"/>, on port 53 of the controller's node on these
/// networks, by UDP and TCP. It authorises the node on such a network and lets it join; members learn from their configuration that it is
/// the name server of the domain. Thread-safe.
/// </summary>
/// <remarks>
/// <para><c>NAME.DOMAIN</c> is the member of that name, in lower case and with hyphens for characters not permitted in host names; among
/// several members of the same name, the one with the oldest record. <c>NODE.DOMAIN</c> is always the member with that node ID. Reverse
/// lookups are answered, too. Only authorised members of the network get answers, each with a rate limit; it is not a recursive
/// resolver.</para>
/// <para>Dispose it before the node.</para>
/// </remarks>
public sealed class NameService : IAsyncDisposable
{
    // Polls once a second, which covers changes at the controller, at the node, and of ports that were taken.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Queries per node. The burst is large because a browser's resolver queries both address families, with its search list, for every host
    // name of a page.
    private static readonly TokenRate Queries = new(Burst: 200, PerSecond: 50);

    private static readonly Actor Names = new("names");

    private readonly NetworkController _controller;
    private readonly ZeroTierNode _node;
    private readonly NameServiceOptions _options;
    private readonly ILogger _log;
    private readonly RequestLimits _limits;
    private readonly NameCounters _counters = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<ZeroTierEndPoint, NameServer> _servers = [];
    private readonly HashSet<NetworkId> _joined = [];
    private readonly Dictionary<NetworkId, string> _reasons = [];
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ITimer _timer;
    private int _disposed;

    /// <summary>Starts serving names in the background; returns at once.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="node">The node that hosts it; need not be running yet.</param>
    /// <param name="options">The options.</param>
    public NameService(NetworkController controller, ZeroTierNode node, NameServiceOptions options)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        (_controller, _node, _options) = (controller, node, options);
        _log = NonThrowingLogger.Create(options.LoggerFactory, NameServiceLog.Category);
        _limits = new RequestLimits(Queries, options.RandomSource.NextUInt64());
        _timer = options.TimeProvider.CreateTimer(static service => ((NameService)service!).Look(), this, Interval, Interval);
    }

    /// <summary>The counters since it was created.</summary>
    public NameStatistics GetStatistics() => _counters.Read();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        // Synchronous cancellation is acceptable: only this library's own code is registered, and it returns at once.
        _end.Cancel();
        await _turn.WaitAsync().ConfigureAwait(false);
        foreach (NameServer server in _servers.Values)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        _servers.Clear();
        _end.Dispose();
    }

    private void Look()
    {
        // Skipped while the previous poll is still running.
        if (_turn.Wait(0, CancellationToken.None))
        {
            _ = LookAsync();
        }
    }

    private async Task LookAsync()
    {
        try
        {
            if (_controller.Node is { } self && _controller.IsActive && _node.State == ZeroTierNodeState.Running)
            {
                NetworkId[] networks = [.. _controller.NetworksWithNames(self)];
                foreach (NetworkId network in networks)
                {
                    await TryAsync(network, self).ConfigureAwait(false);
                }

                await LeaveAsync(networks).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && _end.IsCancellationRequested)
        {
            // Disposed.
        }
        catch (Exception e)
        {
            NameServiceLog.Failed(_log, e);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task TryAsync(NetworkId network, NodeId self)
    {
        string? reason;
        try
        {
            reason = await ServeAsync(network, self).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or ObjectDisposedException))
        {
            reason = e.Message;
        }

        // Logged once per reason.
        if (reason is null)
        {
            _reasons.Remove(network);
        }
        else if (_reasons.GetValueOrDefault(network) != reason)
        {
            _reasons[network] = reason;
            NameServiceLog.NotServed(_log, network, reason);
        }
    }

    // Returns why the network is not served; null when it is, or will be soon.
    private async Task<string?> ServeAsync(NetworkId network, NodeId self)
    {
        if (await LetInAsync(network, self).ConfigureAwait(false) is { } reason)
        {
            return reason;
        }

        ZeroTierNetwork? joined = _node.Networks.FirstOrDefault(n => n.Id == network);
        if (joined is null)
        {
            await _node.JoinAsync(network, _end.Token).ConfigureAwait(false);
            _joined.Add(network);
            return null;
        }

        ZeroTierEndPoint[] wanted = [.. joined.IsReady
            ? joined.Addresses.Select(a => new ZeroTierEndPoint(network, a.Address, NameServer.Port))
            : []];
        foreach ((ZeroTierEndPoint endPoint,
            NameServer server) in _servers.Where(
                s => s.Key.Network == network && (!s.Value.IsRunning || !wanted.Contains(s.Key))).ToArray())
        {
            _servers.Remove(endPoint);
            await server.DisposeAsync().ConfigureAwait(false);
        }

        foreach (ZeroTierEndPoint endPoint in wanted.Where(e => !_servers.ContainsKey(e)))
        {
            _servers[endPoint] = await NameServer.StartAsync(
                _controller, _node, endPoint, _options, _limits, _counters, _end.Token).ConfigureAwait(false);
            NameServiceLog.Served(_log, network, _controller.FindNames(network)?.Domain ?? "", endPoint.Address!);
        }

        return joined.IsReady && wanted.Length == 0
            ? $"this node has no address there. Give the network a pool or RFC 4193 addresses, or the member {self} an address."
            : null;
    }

    // Authorises the node on the network, unless an administrator has deauthorised it.
    private async Task<string?> LetInAsync(NetworkId network, NodeId self)
    {
        ControllerMember? member = _controller.FindMember(network, self)?.Member;
        if (member is { IsAuthorized: true })
        {
            return null;
        }

        if (member?.LastDeauthorizedTime is not null)
        {
            return $"this node, {self}, was put out of the network. Authorise it, or switch the names off.";
        }

        await _controller.UpdateMemberAsync(
            network, self, m => m with { IsAuthorized = true }, null, Names, _end.Token).ConfigureAwait(false);
        return null;
    }

    private async Task LeaveAsync(NetworkId[] networks)
    {
        foreach ((ZeroTierEndPoint endPoint, NameServer server) in _servers.Where(s => !networks.Contains(s.Key.Network)).ToArray())
        {
            _servers.Remove(endPoint);
            await server.DisposeAsync().ConfigureAwait(false);
        }

        foreach (NetworkId network in _joined.Except(networks).ToArray())
        {
            _joined.Remove(network);
            await _node.LeaveAsync(network, _end.Token).ConfigureAwait(false);
        }

        foreach (NetworkId network in _reasons.Keys.Except(networks).ToArray())
        {
            _reasons.Remove(network);
        }
    }
}
