namespace ZeroTier.Certificates;

/// <summary>What a node says of a TLS key: that it is its own for a time. An engine signs it with the node's identity, and under no other meaning.</summary>
/// <param name="PublicKey">The SubjectPublicKeyInfo of the key (RFC 5280, 4.1.2.7).</param>
/// <param name="NotBefore">Whole seconds.</param>
/// <param name="NotAfter">Whole seconds.</param>
internal readonly record struct TlsKeyStatement(ReadOnlyMemory<byte> PublicKey, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>A statement's proof, as a certificate carries it.</summary>
/// <param name="Identity">The public identity of the node, in its binary form (docs/protocol/1-identity-and-crypto.md 1.4.6).</param>
/// <param name="Signature">Made with that identity.</param>
internal readonly record struct TlsKeyProof(ReadOnlyMemory<byte> Identity, ReadOnlyMemory<byte> Signature);
