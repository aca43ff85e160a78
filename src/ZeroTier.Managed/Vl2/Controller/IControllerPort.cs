namespace ZeroTier.Managed;

/// <summary>
/// How a controller speaks to members. Thread-safe. Packets that cannot be sent yet wait for some seconds, in a queue that has a bound;
/// once the node has stopped they go nowhere.
/// </summary>
public interface IControllerPort
{
    /// <summary>
    /// The identity that signs, with its private key. The node's to dispose of, which it does after <see cref="INetworkController.Stop"/>.
    /// </summary>
    NodeIdentity Identity { get; }

    /// <summary>Answers a request with a configuration, in signed pieces.</summary>
    /// <param name="request">The request.</param>
    /// <param name="dictionary">The configuration (docs/protocol/3-vl2.md 3.4), 1 to 524,288 bytes.</param>
    /// <exception cref="ArgumentException">The dictionary is empty or too long.</exception>
    void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary);

    /// <summary>Answers a request with an error.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reason">Why.</param>
    /// <param name="dictionary">Details of a login (docs/protocol/3-vl2.md 3.3.3), up to 1,024 bytes; else empty.</param>
    /// <exception cref="ArgumentException">The dictionary is too long.</exception>
    void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary);

    /// <summary>Sends a configuration that nobody asked for, because something changed.</summary>
    /// <param name="network">A network of this controller.</param>
    /// <param name="member">Whom to tell.</param>
    /// <param name="dictionary">The configuration, 1 to 524,288 bytes.</param>
    /// <exception cref="ArgumentException">The network is another controller's, or the dictionary is empty or too long.</exception>
    void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary);

    /// <summary>
    /// Sends a revocation, which members pass on. Its target may use the multicast directory of the network no longer. Members take few
    /// packets of this kind: what follows within some seconds is sent to a member together, up to two seconds later.
    /// </summary>
    /// <param name="member">Whom to tell.</param>
    /// <param name="revocation">The signed revocation (docs/protocol/3-vl2.md 3.5.6), whose bytes must not change afterwards.</param>
    /// <exception cref="ArgumentException">The bytes are not one revocation of a network of this controller.</exception>
    void Revoke(NodeId member, ReadOnlyMemory<byte> revocation);
}
