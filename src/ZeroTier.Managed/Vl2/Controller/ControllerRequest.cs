namespace ZeroTier.Managed;

/// <summary>A node's request for the configuration of a network. Immutable; may be kept and answered later.</summary>
public sealed class ControllerRequest
{
    /// <summary>Longest metadata in bytes.</summary>
    public const int MaxMetadataLength = 1023;

    /// <summary>Creates a request. The node creates one for each that it receives; tests of a controller can create their own.</summary>
    /// <param name="network">The network.</param>
    /// <param name="identity">The identity of the node that asks.</param>
    /// <param name="packetId">The ID of the packet with the request.</param>
    /// <param name="metadata">The dictionary in which the node describes itself.</param>
    /// <exception cref="ArgumentException">The metadata are longer than <see cref="MaxMetadataLength"/>.</exception>
    public ControllerRequest(NetworkId network, NodeIdentity identity, ulong packetId, ReadOnlyMemory<byte> metadata)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (metadata.Length > MaxMetadataLength)
        {
            throw new ArgumentException(
                $"The metadata have {metadata.Length} bytes; at most {MaxMetadataLength} are possible.", nameof(metadata));
        }

        Network = network;
        Identity = identity;
        PacketId = packetId;
        Metadata = metadata;
    }

    /// <summary>The network that is asked for.</summary>
    public NetworkId Network { get; }

    /// <summary>
    /// The identity of the node that asks. It is verified: the node has the private key, and the address belongs to the public key.
    /// </summary>
    public NodeIdentity Identity { get; }

    /// <summary>The ID of the packet with the request, which the answer quotes.</summary>
    public ulong PacketId { get; }

    /// <summary>The dictionary in which the node describes itself (docs/protocol/3-vl2.md 3.3.2); untrusted.</summary>
    public ReadOnlyMemory<byte> Metadata { get; }
}
