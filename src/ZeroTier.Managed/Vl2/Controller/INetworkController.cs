namespace ZeroTier.Managed;

/// <summary>
/// A network controller: decides which nodes are members of its networks, and makes their configurations. The node in which it runs passes
/// requests to it and sends its answers; the node knows nothing of how members are stored. The first exception that a method throws is
/// logged; exceptions do not affect the node otherwise.
/// </summary>
/// <remarks>
/// Methods are called on the node's receive threads: they must return immediately, and move longer work to a bounded queue of their own.
/// </remarks>
public interface INetworkController
{
    /// <summary>The node has started. Called once for each start of the node, before the first request.</summary>
    /// <param name="port">Sends to members, until <see cref="Stop"/>.</param>
    void Start(IControllerPort port);

    /// <summary>A node requests the configuration of a network whose ID begins with this node's address.</summary>
    /// <param name="request">The request; to be answered now or later, by the port.</param>
    void OnRequest(ControllerRequest request);

    /// <summary>The node stops: the port sends nothing more, and its identity is about to be disposed of.</summary>
    void Stop();
}
