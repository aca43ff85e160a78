namespace ZeroTier.Certificates;

/// <summary>
/// A statement that a TLS key belongs to a node for a period. An engine signs it with the node's identity, domain-separated from all other
/// signatures.
/// </summary>
/// <param name="PublicKey">The SubjectPublicKeyInfo of the key (RFC 5280, 4.1.2.7).</param>
/// <param name="NotBefore">Whole seconds.</param>
/// <param name="NotAfter">Whole seconds.</param>
internal readonly record struct TlsKeyStatement(ReadOnlyMemory<byte> PublicKey, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>The proof of a statement, as carried in a certificate.</summary>
/// <param name="Identity">The public identity of the node, in its binary form (docs/protocol/1-identity-and-crypto.md 1.4.6).</param>
/// <param name="Signature">The signature of the statement by that identity.</param>
internal readonly record struct TlsKeyProof(ReadOnlyMemory<byte> Identity, ReadOnlyMemory<byte> Signature);
