using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// The layer above VL2, the node: receives events of its networks and of VL1. Methods are called without locks, on any thread; they must
/// not block and must not throw.
/// </summary>
internal interface IVl2Client
{
    /// <summary>The state of a network has changed, by a configuration or a failure. Calls for one network do not overlap.</summary>
    void OnNetworkChanged(Network network, NetworkState before, NetworkState after);

    /// <summary>A member uses an address of ours. Called once for each member and address, and only for a few of each network.</summary>
    void OnAddressConflict(Network network, NodeId member, in IpAddress address);

    /// <inheritdoc cref="IVl1Client.OnOnlineChanged" />
    void OnOnlineChanged(bool online);

    /// <inheritdoc cref="IVl1Client.OnPeerChanged" />
    void OnPeerChanged(Peer peer, PeerChange change);

    /// <inheritdoc cref="IVl1Client.OnIdentityCollision" />
    void OnIdentityCollision();

    /// <inheritdoc cref="IVl1Client.OnTwin" />
    void OnTwin(in InetEndPoint endPoint);

    /// <inheritdoc cref="IVl1Client.OnPlanetUpdated" />
    void OnPlanetUpdated(Planet planet);

    /// <inheritdoc cref="IVl1Client.OnMoonUpdated" />
    void OnMoonUpdated(Moon moon)
    {
    }

    /// <inheritdoc cref="IVl1Client.OnRoundTrip" />
    void OnRoundTrip(int milliseconds)
    {
    }
}
