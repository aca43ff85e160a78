using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// The primitives of cipher suite 3 (docs/protocol/1-identity-and-crypto.md 1.10) with the two keys of one pair of nodes: GMAC under K0,
/// AES block encryption and counter mode under K1. Key schedules are computed once. Thread-safe. Dispose overwrites the keys; the owner
/// must discard results of calls that run at the same time.
/// </summary>
internal abstract class AesGmacSiv : IDisposable
{
    public const int SessionKeySize = 48;
    public const int BlockSize = 16;
    public const int IvSize = 12;

    private const int KeySize = 32;

    /// <summary>Derives both keys from a session key and selects the best implementation for this processor.</summary>
    public static AesGmacSiv Create(ReadOnlySpan<byte> sessionKey) => Create(sessionKey, portable: !AesGmacSivHardware.IsSupported);

    internal static AesGmacSiv Create(ReadOnlySpan<byte> sessionKey, bool portable)
    {
        Span<byte> keys = stackalloc byte[2 * SHA384.HashSizeInBytes];
        DeriveKey(sessionKey, (byte)'0', keys);
        DeriveKey(sessionKey, (byte)'1', keys[SHA384.HashSizeInBytes..]);
        AesGmacSiv result = CreateFromKeys(keys[..KeySize], keys.Slice(SHA384.HashSizeInBytes, KeySize), portable);
        CryptographicOperations.ZeroMemory(keys);
        return result;
    }

    internal static AesGmacSiv CreateFromKeys(ReadOnlySpan<byte> k0, ReadOnlySpan<byte> k1, bool portable) =>
        portable ? new AesGmacSivPortable(k0, k1) : new AesGmacSivHardware(k0, k1);

    /// <summary>All 48 bytes of the key derivation of 1.10.1; the first 32 are the AES key.</summary>
    internal static void DeriveKey(ReadOnlySpan<byte> sessionKey, byte label, Span<byte> output) =>
        HMACSHA384.HashData(sessionKey, [0, 0, 0, 0, (byte)'Z', (byte)'T', label, 0, 0, 0, 0, 1, 0x80], output);

    /// <summary>
    /// GMAC under K0: a 12-byte IV, a 16-byte tag. The data are the header block of 1.10.2 directly followed by the body.
    /// </summary>
    public abstract void Gmac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, Span<byte> tag);

    /// <summary>
    /// XORs the AES-CTR keystream under K1 into the data, from the given counter block on. Its last 32 bits are the counter; its top bit is
    /// clear, so that it does not wrap.
    /// </summary>
    public abstract void Ctr(ReadOnlySpan<byte> counterBlock, Span<byte> data);

    /// <summary>Encrypts one block with AES under K1, in place.</summary>
    public abstract void EncryptBlock(Span<byte> block);

    /// <summary>The inverse of <see cref="EncryptBlock"/>.</summary>
    public abstract void DecryptBlock(Span<byte> block);

    /// <inheritdoc />
    public abstract void Dispose();
}
