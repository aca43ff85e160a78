namespace ZeroTier.Managed;

/// <summary>
/// Decides who is a member of networks and what members are told. The node that it runs in brings requests and takes answers away; it knows
/// nothing of how decisions are stored. What a member throws is logged once and costs the node nothing.
/// </summary>
/// <remarks>
/// Calls come from the node's receive threads: they must return at once, and leave longer work to a queue of their own that has a bound.
/// </remarks>
public interface INetworkController
{
    /// <summary>The node is up. Called once for each start of the node, before the first request.</summary>
    /// <param name="port">How to speak to members until <see cref="Stop"/>.</param>
    void Start(IControllerPort port);

    /// <summary>A node asks for the configuration of a network whose ID names this node as its controller.</summary>
    /// <param name="request">Who asks, for what; to be answered now or later, by the port.</param>
    void OnRequest(ControllerRequest request);

    /// <summary>The node stops: the port sends nothing more, and its identity may be disposed of.</summary>
    void Stop();
}
