namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// A statement about one member that the controller of a network has signed: a tag, a capability or a certificate of ownership
/// (docs/protocol/3-vl2.md 3.5). Immutable.
/// </summary>
internal abstract class Credential
{
    /// <summary>The credential as received, to be sent to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>When it was issued, by the controller's clock in milliseconds.</summary>
    public required ulong Timestamp { get; init; }

    /// <summary>A newer credential with the same ID replaces it.</summary>
    public required uint Id { get; init; }

    /// <summary>The member that it is about.</summary>
    public required NodeId IssuedTo { get; init; }

    public abstract CredentialType Type { get; }

    /// <summary>Checks the signature of the network's controller.</summary>
    public abstract SignatureResult CheckSignature(ISignerDirectory signers);
}
