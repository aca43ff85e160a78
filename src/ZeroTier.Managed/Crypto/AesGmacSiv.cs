using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// The three functions of cipher suite 3 (docs/protocol/1-identity-and-crypto.md 1.10) under the two keys of one pair of nodes: GMAC under
/// K0, the AES block and counter mode under K1. Key schedules are made once. Safe for use by several threads at a time. Dispose overwrites
/// the keys; the owner sees to it that no packet is in work then.
/// </summary>
internal abstract class AesGmacSiv : IDisposable
{
    public const int SessionKeySize = 48;
    public const int BlockSize = 16;
    public const int IvSize = 12;

    private const int KeySize = 32;

    /// <summary>Derives both keys from a session key and picks the best code for this processor.</summary>
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
    /// GMAC under K0: 12 bytes of IV, 16 bytes of tag. The data are the header block of 1.10.2 with the body right behind it.
    /// </summary>
    public abstract void Gmac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, Span<byte> tag);

    /// <summary>
    /// XORs AES-CTR under K1 into the data, from the given counter block on. Only its last 32 bits count, and do not overflow.
    /// </summary>
    public abstract void Ctr(ReadOnlySpan<byte> counterBlock, Span<byte> data);

    /// <summary>AES of one block under K1, in place.</summary>
    public abstract void EncryptBlock(Span<byte> block);

    /// <summary>The inverse of <see cref="EncryptBlock"/>.</summary>
    public abstract void DecryptBlock(Span<byte> block);

    /// <inheritdoc />
    public abstract void Dispose();
}
