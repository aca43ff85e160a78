namespace ZeroTier.Managed;

/// <summary>
/// What a controller uses to send to members. Thread-safe. Packets to members that are not reachable yet wait for some seconds in a bounded
/// queue. After the node has stopped, nothing is sent.
/// </summary>
public interface IControllerPort
{
    /// <summary>
    /// The identity to sign with, including its private key. The node owns it, and disposes of it after
    /// <see cref="INetworkController.Stop"/>.
    /// </summary>
    NodeIdentity Identity { get; }

    /// <summary>Answers a request with a configuration, in signed chunks.</summary>
    /// <param name="request">The request.</param>
    /// <param name="dictionary">The configuration (docs/protocol/3-vl2.md 3.4), 1 to 524,288 bytes.</param>
    /// <exception cref="ArgumentException">The dictionary is empty or too long.</exception>
    void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary);

    /// <summary>Answers a request with an error.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reason">The reason.</param>
    /// <param name="dictionary">Details of the login for <see cref="ControllerRefusal.AuthenticationRequired"/> (docs/protocol/3-vl2.md
    /// 3.3.3), up to 1,024 bytes; otherwise empty.</param>
    /// <exception cref="ArgumentException">The dictionary is too long.</exception>
    void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary);

    /// <summary>Sends a changed configuration without a request.</summary>
    /// <param name="network">A network of this controller.</param>
    /// <param name="member">The receiver.</param>
    /// <param name="dictionary">The configuration, 1 to 524,288 bytes.</param>
    /// <exception cref="ArgumentException">The network is another controller's, or the dictionary is empty or too long.</exception>
    void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary);

    /// <summary>
    /// Sends a revocation, which members forward to each other. Its target may no longer use the multicast directory of the network.
    /// Members accept only few such packets: further revocations to the same member are collected and sent together, up to two seconds
    /// later.
    /// </summary>
    /// <param name="member">The receiver.</param>
    /// <param name="revocation">The signed revocation (docs/protocol/3-vl2.md 3.5.6), whose bytes must not change afterwards.</param>
    /// <exception cref="ArgumentException">The bytes are not exactly one revocation for a network of this controller.</exception>
    void Revoke(NodeId member, ReadOnlyMemory<byte> revocation);
}
