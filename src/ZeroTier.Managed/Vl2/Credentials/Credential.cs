namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// What the controller of a network has signed about one member: a tag, a capability or a certificate of ownership (docs/protocol/3-vl2.md
/// 3.5). Immutable.
/// </summary>
internal abstract class Credential
{
    /// <summary>The credential as it came, to be shown to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>When it was issued: the controller's clock in milliseconds.</summary>
    public required ulong Timestamp { get; init; }

    /// <summary>A newer credential with the same ID replaces it.</summary>
    public required uint Id { get; init; }

    /// <summary>The member that it is about.</summary>
    public required NodeId IssuedTo { get; init; }

    public abstract CredentialType Type { get; }

    /// <summary>Whether the controller of the network has signed it.</summary>
    public abstract SignatureResult CheckSignature(ISignerDirectory signers);
}
