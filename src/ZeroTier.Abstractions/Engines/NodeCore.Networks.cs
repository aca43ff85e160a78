namespace ZeroTier.Engines;

/// <content>Networks: joining, following a join until the network is ready, and leaving.</content>
internal sealed partial class NodeCore<TSession, TNetwork>
{
    /// <summary>The networks that the next session joins.</summary>
    public NetworkId[] Joined
    {
        get
        {
            lock (_lock)
            {
                return [.. _joined];
            }
        }
    }

    public IReadOnlyList<ZeroTierNetwork> Networks
    {
        get
        {
            var session = _session;
            return [.. Joined.Select(id => session?.Find(id)?.Snapshot
                ?? new ZeroTierNetwork(id, ZeroTierNetworkStatus.RequestingConfiguration) { Detail = "The node does not run." })];
        }
    }

    /// <exception cref="ZeroTierException">The node does not run, or has not joined the network.</exception>
    public TNetwork Find(NetworkId network) => Find(Running(), network);

    /// <exception cref="ZeroTierException">The network is not joined in that session.</exception>
    public static TNetwork Find(TSession session, NetworkId network) => session.Find(network) ?? throw NodeErrors.NotJoined(network);

    /// <summary>Joins a network, in this session and in later ones.</summary>
    public Task JoinAsync(NetworkId network, Action<TSession> join, CancellationToken cancellationToken) => ExclusivelyAsync(
        () =>
        {
            ThrowIfDisposed();
            lock (_lock)
            {
                if (!_joined.Contains(network))
                {
                    _joined.Add(network);
                }
            }

            if (_session is { } session)
            {
                bool isNew = session.Find(network) is null;
                join(session);
                if (isNew)
                {
                    TraceJoin(network);
                }
            }

            return Task.CompletedTask;
        },
        cancellationToken);

    /// <summary>Leaves a network for good.</summary>
    public Task LeaveAsync(NetworkId network, Func<TSession?, Task> leave, CancellationToken cancellationToken) => ExclusivelyAsync(
        () =>
        {
            ThrowIfDisposed();
            lock (_lock)
            {
                _joined.Remove(network);
            }

            return leave(_session);
        },
        cancellationToken);

    public async Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = Changed.Next;
            cancellationToken.ThrowIfCancellationRequested();
            var joined = Find(network);
            if (joined.Snapshot is { IsReady: true } ready)
            {
                return ready;
            }

            if (joined.Failure is { } failure)
            {
                throw failure;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void TraceJoin(NetworkId network) => Tracing.Join(network, () => WaitForNetworkAsync(network, CancellationToken.None));
}
