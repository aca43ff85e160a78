using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Decides who is a member of networks and what members are told. The node that it runs in brings requests and takes replies away; it knows nothing of how
/// decisions are stored. Calls come from receive threads: they must not block and must not throw.
/// </summary>
internal interface INetworkController
{
    /// <summary>The node is up. Called once, before the first request.</summary>
    void Start(IControllerPort port);

    /// <summary>A member asks for the configuration of a network whose ID names this node as its controller.</summary>
    /// <param name="request">Who asks, for what; to be answered now or later.</param>
    /// <param name="metadata">The dictionary in which the member describes itself (docs/protocol/3-vl2.md 3.3.2). Valid during the call.</param>
    void OnRequest(ConfigurationRequestHandle request, ReadOnlySpan<byte> metadata);
}

/// <summary>How a controller speaks to members. Thread-safe; packets that cannot be sent yet wait for some seconds.</summary>
internal interface IControllerPort
{
    /// <summary>The identity that signs; with its private key.</summary>
    NodeIdentity Identity { get; }

    /// <summary>Answers a request with a configuration, in signed pieces.</summary>
    void Reply(in ConfigurationRequestHandle request, ReadOnlyMemory<byte> dictionary);

    /// <summary>Answers a request with an error.</summary>
    /// <param name="request">The request.</param>
    /// <param name="code">Not found, denied, or log in first.</param>
    /// <param name="dictionary">Details of a login; else empty.</param>
    void Refuse(in ConfigurationRequestHandle request, ErrorCode code, ReadOnlySpan<byte> dictionary = default);

    /// <summary>Sends a configuration that nobody asked for, because something changed.</summary>
    void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary);

    /// <summary>Sends a revocation, which members pass on.</summary>
    void Revoke(NodeId member, ReadOnlyMemory<byte> revocation);
}

/// <summary>A request that can be answered once.</summary>
/// <param name="Network">The network.</param>
/// <param name="Peer">Who asks, as VL1 has proven.</param>
/// <param name="Info">How the request came.</param>
internal readonly record struct ConfigurationRequestHandle(NetworkId Network, Peer Peer, PacketInfo Info)
{
    /// <summary>Who asks.</summary>
    public NodeIdentity Identity => Peer.Identity;
}
