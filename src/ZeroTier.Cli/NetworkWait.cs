namespace ZeroTier.Cli;

/// <summary>Waits for networks, and prints what the user has to do for them to become ready.</summary>
internal static class NetworkWait
{
    // A running controller answers within this time, even if roots must be found first.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(10);

    /// <summary>Waits until a network carries traffic. Prints once what the user has to do for that.</summary>
    public static async Task<ZeroTierNetwork> UntilReadyAsync(ZeroTierNode node, NetworkId id, CancellationToken cancellationToken)
    {
        string? said = null;
        await UntilAsync(
            node,
            () =>
            {
                var network = Find(node, id);
                if (network is { IsReady: false, Detail: { } detail } && IsAnswered(network) && detail != said)
                {
                    Status.Info(said = detail);
                }

                return network.IsReady || IsHopeless(network);
            },
            cancellationToken);

        // Throws with the reason if the network can never become ready.
        return await node.WaitForNetworkAsync(id, cancellationToken);
    }

    /// <summary>Waits until each joined network carries traffic or is refused; prints refusals.</summary>
    /// <exception cref="ZeroTierException">All are refused; the message says what the user has to do.</exception>
    public static async Task UntilUsableAsync(ZeroTierNode node, CancellationToken cancellationToken)
    {
        await UntilAsync(node, () => node.Networks.All(n => n.IsReady || IsAnswered(n)), cancellationToken);
        string[] refused = [.. node.Networks.Where(n => !n.IsReady).Select(n => n.Detail ?? $"Network {n.Id} is not ready ({n.Status}).")];
        if (!node.Networks.Any(n => n.IsReady))
        {
            throw new ZeroTierException(ZeroTierError.NetworkUnavailable, string.Join('\n', refused));
        }

        foreach (string detail in refused)
        {
            Status.Info(detail);
        }
    }

    /// <summary>Waits until each network is ready or refused, for some seconds at most.</summary>
    public static async Task UntilAnsweredAsync(ZeroTierNode node, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(AnswerPatience);
        try
        {
            await UntilAsync(node, () => node.Networks.All(n => n.IsReady || IsAnswered(n)), patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Not an error: the printed state shows what is missing.
        }
    }

    public static ZeroTierNetwork Find(ZeroTierNode node, NetworkId id) => node.Networks.Single(n => n.Id == id);

    /// <summary>The controller has answered, even if negatively.</summary>
    private static bool IsAnswered(ZeroTierNetwork network) => network.Status != ZeroTierNetworkStatus.RequestingConfiguration;

    private static bool IsHopeless(ZeroTierNetwork network) =>
        network.Status == ZeroTierNetworkStatus.NotSupported || (network is { Status: ZeroTierNetworkStatus.NotFound, Id.IsAdHoc: true });

    private static async Task UntilAsync(ZeroTierNode node, Func<bool> condition, CancellationToken cancellationToken)
    {
        // Subscribe before checking, so that no change is missed.
        using var events = node.Subscribe();
        if (condition())
        {
            return;
        }

        await foreach (var _ in events.ReadAllAsync(cancellationToken))
        {
            if (condition())
            {
                return;
            }
        }

        throw node.FatalError ?? new ZeroTierException(ZeroTierError.NotRunning, "The node has stopped.");
    }
}
