namespace ZeroTier.Managed;

/// <summary>A node asks a controller for the configuration of a network. Immutable; may be kept and answered later.</summary>
public sealed class ControllerRequest
{
    /// <summary>Bytes that the metadata have at most.</summary>
    public const int MaxMetadataLength = 1023;

    /// <summary>Makes a request; the node does so for each that arrives, tests for others.</summary>
    /// <param name="network">The network.</param>
    /// <param name="identity">Who asks.</param>
    /// <param name="packetId">The packet that brought it.</param>
    /// <param name="metadata">How the node describes itself.</param>
    /// <exception cref="ArgumentException">The metadata are too long.</exception>
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

    /// <summary>Who asks: the node has proven that it has the private key, and that the address belongs to the public key.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>The packet that brought the request, which the answer names.</summary>
    public ulong PacketId { get; }

    /// <summary>The dictionary in which the node describes itself (docs/protocol/3-vl2.md 3.3.2); untrusted.</summary>
    public ReadOnlyMemory<byte> Metadata { get; }
}
