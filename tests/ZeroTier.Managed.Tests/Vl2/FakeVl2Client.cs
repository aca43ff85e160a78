using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Keeps what changes about networks, and may run code of the test inside the call.</summary>
internal sealed class FakeVl2Client : IVl2Client
{
    public List<(ZeroTierNetworkStatus Before, ZeroTierNetworkStatus After)> Changes { get; } = [];

    public Action<(ZeroTierNetworkStatus Before, ZeroTierNetworkStatus After)>? OnChange { get; set; }

    public void OnNetworkChanged(Network network, NetworkState before, NetworkState after)
    {
        Changes.Add((before.Status, after.Status));
        OnChange?.Invoke((before.Status, after.Status));
    }

    public void OnAddressConflict(Network network, NodeId member, in IpAddress address)
    {
    }

    public void OnOnlineChanged(bool online)
    {
    }

    public void OnPeerChanged(Peer peer, PeerChange change)
    {
    }

    public void OnIdentityCollision()
    {
    }

    public void OnTwin(in InetEndPoint endPoint)
    {
    }

    public void OnPlanetUpdated(Planet planet)
    {
    }
}
