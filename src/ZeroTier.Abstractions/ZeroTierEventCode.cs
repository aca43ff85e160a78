namespace ZeroTier;

/// <summary>What happened; the values are those of libzt.</summary>
public enum ZeroTierEventCode
{
    /// <summary>ZTS_EVENT_NODE_UP: the node runs; no root has answered yet.</summary>
    NodeUp = 200,

    /// <summary>ZTS_EVENT_NODE_ONLINE: at least one root answers.</summary>
    NodeOnline = 201,

    /// <summary>ZTS_EVENT_NODE_OFFLINE: no root has been heard for the activity timeout.</summary>
    NodeOffline = 202,

    /// <summary>ZTS_EVENT_NODE_DOWN: the node has stopped.</summary>
    NodeDown = 203,

    /// <summary>ZTS_EVENT_NODE_FATAL_ERROR: the node cannot go on, for example because another node has its address.</summary>
    NodeFatalError = 204,

    /// <summary>ZTS_EVENT_NETWORK_NOT_FOUND: the controller does not know the network, or the ID is not valid.</summary>
    NetworkNotFound = 210,

    /// <summary>ZTS_EVENT_NETWORK_CLIENT_TOO_OLD: the controller demands a newer node.</summary>
    NetworkClientTooOld = 211,

    /// <summary>ZTS_EVENT_NETWORK_REQ_CONFIG: the network is waiting for its configuration again.</summary>
    NetworkRequestingConfiguration = 212,

    /// <summary>ZTS_EVENT_NETWORK_OK: the network is usable.</summary>
    NetworkOk = 213,

    /// <summary>ZTS_EVENT_NETWORK_ACCESS_DENIED: the controller has not authorised this node.</summary>
    NetworkAccessDenied = 214,

    /// <summary>ZTS_EVENT_NETWORK_READY_IP4: the network is usable with an IPv4 address; raised before <see cref="NetworkOk"/>.</summary>
    NetworkReadyIPv4 = 215,

    /// <summary>ZTS_EVENT_NETWORK_READY_IP6: the network is usable with an IPv6 address; raised before <see cref="NetworkOk"/>.</summary>
    NetworkReadyIPv6 = 216,

    /// <summary>ZTS_EVENT_NETWORK_DOWN: this node left the network, or stops.</summary>
    NetworkDown = 218,

    /// <summary>ZTS_EVENT_NETWORK_UPDATE: a configuration was received from the controller or generated (ad-hoc network).</summary>
    NetworkUpdate = 219,

    /// <summary>ZTS_EVENT_PEER_DIRECT: a peer is reached over a direct path.</summary>
    PeerDirect = 240,

    /// <summary>ZTS_EVENT_PEER_RELAY: a peer is reached only through a root.</summary>
    PeerRelay = 241,

    /// <summary>ZTS_EVENT_PEER_UNREACHABLE: a peer cannot be reached.</summary>
    PeerUnreachable = 242,

    /// <summary>ZTS_EVENT_PEER_PATH_DISCOVERED: a peer has one more path.</summary>
    PeerPathDiscovered = 243,

    /// <summary>ZTS_EVENT_PEER_PATH_DEAD: a peer has lost a path.</summary>
    PeerPathDead = 244,

    /// <summary>ZTS_EVENT_ADDR_ADDED_IP4: this node has a new IPv4 address on a network.</summary>
    AddressAddedIPv4 = 260,

    /// <summary>ZTS_EVENT_ADDR_REMOVED_IP4: this node has lost an IPv4 address.</summary>
    AddressRemovedIPv4 = 261,

    /// <summary>ZTS_EVENT_ADDR_ADDED_IP6: this node has a new IPv6 address on a network.</summary>
    AddressAddedIPv6 = 262,

    /// <summary>ZTS_EVENT_ADDR_REMOVED_IP6: this node has lost an IPv6 address.</summary>
    AddressRemovedIPv6 = 263,
}
