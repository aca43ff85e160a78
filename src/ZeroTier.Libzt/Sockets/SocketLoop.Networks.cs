namespace ZeroTier.Libzt.Sockets;

internal sealed partial class SocketLoop
{
    // The last reported state of each network; null for one that was left. Requests queued just before a leave are refused with it, since
    // their sockets would outlive the network.
    private readonly Dictionary<NetworkId, NetworkView?> _views = [];

    /// <summary>Reports a network's current addresses: listeners and UDP sockets on all addresses follow them. Never waits.</summary>
    public void UpdateNetwork(NetworkView network) => Work.Schedule(
        static state =>
        {
            var (loop, network) = ((SocketLoop, NetworkView))state!;
            loop.Follow(network);
        },
        (this, network));

    // The addresses may have changed while the request was queued.
    private NetworkView Current(NetworkView asked) => !_views.TryGetValue(asked.Id, out NetworkView? now)
        ? asked
        : now ?? throw new ZeroTierException(
            ZeroTierError.NetworkUnavailable, $"Network {asked.Id} has just been left. Join it again first.");

    private void Follow(NetworkView network)
    {
        if (!IsCurrentThread || _isStopping)
        {
            return;
        }

        _views[network.Id] = network;
        if (network.Addresses.Count == 0)
        {
            // The network is temporarily down; usually the same addresses return, so the sockets are kept.
            return;
        }

        PolledSocket[] sockets = [.. Polled.All.Where(s => s.Network == network.Id)];
        foreach (LibztListener listener in sockets.OfType<ListeningSocket>()
            .Select(s => s.Listener)
            .Where(l => l.EndPoint.Address is null).Distinct())
        {
            listener.Follow(network);
        }

        foreach (LibztDatagramSocket socket in sockets.OfType<DatagramPort>()
            .Select(p => p.Socket)
            .Where(s => s.EndPoint.Address is null).Distinct())
        {
            socket.Follow(network);
        }
    }

    private void CloseNetwork(NetworkId network, TaskCompletionSource waiter)
    {
        if (!IsCurrentThread)
        {
            waiter.TrySetResult();
            return;
        }

        _views[network] = null;
        _leaving.Add((network, waiter));
        ZeroTierException reason = SocketErrors.Left(network);
        foreach (PolledSocket socket in Polled.All.Where(s => s.Network == network).ToArray())
        {
            End(socket, reason);
        }
    }
}
