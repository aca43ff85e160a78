using ZeroTier.Managed.Identity;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed;

/// <summary>
/// The identity of a node: its 40-bit address, the public keys from which the address is derived and, for one's own node, the private keys
/// (docs/protocol/1-identity-and-crypto.md 1.4). Immutable except for <see cref="Dispose"/>; thread-safe.
/// </summary>
/// <remarks>
/// Identities are equal when address and public key are. Private keys are not compared, and not contained in <see cref="ToString"/>.
/// </remarks>
public sealed partial class NodeIdentity : IEquatable<NodeIdentity>, IDisposable
{
    /// <summary>Bytes of a public key: X25519, then Ed25519.</summary>
    public const int PublicKeySize = 64;

    /// <summary>Bytes of a private key: X25519 secret, then Ed25519 seed.</summary>
    public const int PrivateKeySize = 64;

    /// <summary>Bytes of a signature: Ed25519 signature, then half of the message's SHA-512.</summary>
    public const int SignatureSize = 96;

    private const int AgreementKeySize = 32;
    private const int MessageHashSize = 32;

    private readonly byte[] _publicKey;
    private readonly byte[]? _privateKey;
    private volatile bool _disposed;

    // Takes ownership of both arrays. The private one is pinned, so that the garbage collector makes no copies.
    private NodeIdentity(NodeId address, byte[] publicKey, byte[]? privateKey)
    {
        Address = address;
        _publicKey = publicKey;
        _privateKey = privateKey;
    }

    /// <summary>The node's address.</summary>
    public NodeId Address { get; }

    /// <summary>The 64 bytes of the public key.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>True when the private key is known: this is one's own identity.</summary>
    public bool HasSecret => _privateKey is not null && !_disposed;

    /// <summary>SHA-384 of address and public key, 48 bytes; certificates of membership contain its first 32 bytes.</summary>
    internal byte[] PublicKeyHash
    {
        get
        {
            Span<byte> text = stackalloc byte[AddressSize + PublicKeySize];
            WriteAddress(Address, text);
            _publicKey.CopyTo(text[AddressSize..]);
            return SHA384.HashData(text);
        }
    }

    /// <summary>
    /// Whether the address belongs to the public key, and the proof of work is valid (1.4.3). Costs several milliseconds and 2 MiB of
    /// memory: limit how often unauthenticated input may cause it.
    /// </summary>
    public bool IsLocallyValid()
    {
        if (Address.IsReserved)
        {
            return false;
        }

        Span<byte> digest = stackalloc byte[AddressHash.DigestSize];
        AddressHash.Compute(_publicKey, digest);
        return digest[0] < AddressHash.FirstByteLimit && AddressOf(digest) == Address;
    }

    /// <summary>Signs a message.</summary>
    /// <returns>96 bytes.</returns>
    /// <exception cref="InvalidOperationException">There is no private key.</exception>
    /// <exception cref="ObjectDisposedException">The identity was disposed of.</exception>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(message, hash);
        byte[] signature = new byte[SignatureSize];
        hash[..MessageHashSize].CopyTo(signature.AsSpan(Ed25519.SignatureSize));
        Ed25519.Sign(Secret[AgreementKeySize..], PublicKey[AgreementKeySize..], hash[..MessageHashSize], signature);
        return signature;
    }

    /// <summary>
    /// Whether the signature of a message was made with this identity's private key. False for a signature of any other length than 96.
    /// </summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize)
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(message, hash);
        return CryptographicOperations.FixedTimeEquals(hash[..MessageHashSize], signature[Ed25519.SignatureSize..]) &&
            Ed25519.Verify(PublicKey[AgreementKeySize..], hash[..MessageHashSize], signature[..Ed25519.SignatureSize]);
    }

    /// <summary>The raw X25519 secret shared with a peer (1.5). False when it is all zeros and must not be used.</summary>
    internal bool TryAgree(NodeIdentity peer, Span<byte> sharedSecret) =>
        X25519.ScalarMultiply(Secret[..AgreementKeySize], peer.PublicKey[..AgreementKeySize], sharedSecret);

    /// <summary>Overwrites the private key. The public part stays usable.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_privateKey);
    }

    /// <inheritdoc />
    public bool Equals([NotNullWhen(true)] NodeIdentity? other) =>
        other is not null && Address == other.Address && PublicKey.SequenceEqual(other.PublicKey);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as NodeIdentity);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Address, BinaryPrimitives.ReadUInt64LittleEndian(_publicKey));

    internal ReadOnlySpan<byte> Secret
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _privateKey ?? throw new InvalidOperationException($"The private key of node {Address} is not known.");
        }
    }

    private static NodeId AddressOf(ReadOnlySpan<byte> digest) => ReadAddress(digest[(AddressHash.DigestSize - AddressSize)..]);

    private static byte[] AllocateSecret() => GC.AllocateUninitializedArray<byte>(PrivateKeySize, pinned: true);

    // Computes the public key of a private key.
    private static void DerivePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        X25519.PublicKey(privateKey, publicKey);
        Ed25519.PublicKey(privateKey[AgreementKeySize..], publicKey[AgreementKeySize..]);
    }
}
