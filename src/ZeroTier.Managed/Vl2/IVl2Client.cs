using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// The node above: what it is told of its networks, and what VL1 has to tell it. Calls come without locks, from any thread; they must not
/// block and must not throw.
/// </summary>
internal interface IVl2Client
{
    /// <summary>A configuration or a failure is in force now. Calls for one network come one at a time.</summary>
    void OnNetworkChanged(Network network, NetworkState before, NetworkState after);

    /// <summary>A member uses an address of ours. Called once for each member and address, and at most for a few of a network.</summary>
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
