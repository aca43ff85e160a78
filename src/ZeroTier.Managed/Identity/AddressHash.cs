using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Identity;

/// <summary>
/// The memory-hard hash by which a node address is derived from the public key (docs/protocol/1-identity-and-crypto.md 1.4.2). Used on
/// public data only.
/// </summary>
internal static class AddressHash
{
    public const int DigestSize = 64;

    /// <summary>The proof of work: the first digest byte of a valid key is below this.</summary>
    public const int FirstByteLimit = 17;

    /// <summary>The bytes of memory that the hash needs.</summary>
    public const int MemorySize = 2 * 1024 * 1024;

    private const int MixSteps = MemorySize / 16;
    private const int ChunkBlocks = 64;
    private const int ChunkSize = ChunkBlocks * Salsa20.BlockSize;

    /// <summary>Computes the 64-byte digest of a 64-byte public key. Rents 2 MiB for the time of the call.</summary>
    public static void Compute(ReadOnlySpan<byte> publicKey, Span<byte> digest)
    {
        byte[] memory = ArrayPool<byte>.Shared.Rent(MemorySize);
        try
        {
            Span<byte> genmem = memory.AsSpan(0, MemorySize);
            Span<byte> cipherKey = stackalloc byte[Salsa20.KeySize + Salsa20.NonceSize];
            SHA512.HashData(publicKey, digest);
            digest[..cipherKey.Length].CopyTo(cipherKey);
            Fill(cipherKey, genmem);
            Mix(cipherKey, genmem, digest, MixSteps);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(memory);
        }
    }

    /// <summary>The fill phase: each block is the one before XOR the next block of the keystream.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fill(ReadOnlySpan<byte> cipherKey, Span<byte> genmem)
    {
        Vector128<byte> a = default, b = default, c = default, d = default;
        for (int start = 0; start < MemorySize; start += ChunkSize)
        {
            Span<byte> chunk = genmem.Slice(start, ChunkSize);
            chunk.Clear();
            Xor(cipherKey, start / Salsa20.BlockSize, chunk);
            ref byte p = ref MemoryMarshal.GetReference(chunk);
            for (nuint i = 0; i < ChunkSize; i += Salsa20.BlockSize)
            {
                a ^= Vector128.LoadUnsafe(ref p, i);
                b ^= Vector128.LoadUnsafe(ref p, i + 16);
                c ^= Vector128.LoadUnsafe(ref p, i + 32);
                d ^= Vector128.LoadUnsafe(ref p, i + 48);
                a.StoreUnsafe(ref p, i);
                b.StoreUnsafe(ref p, i + 16);
                c.StoreUnsafe(ref p, i + 32);
                d.StoreUnsafe(ref p, i + 48);
            }
        }
    }

    /// <summary>The first <paramref name="steps"/> steps of the mix phase.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void Mix(ReadOnlySpan<byte> cipherKey, Span<byte> genmem, Span<byte> digest, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(genmem.Length, MemorySize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)steps, (uint)MixSteps);
        Span<byte> keystream = stackalloc byte[ChunkSize];
        ulong* d = stackalloc ulong[DigestSize / 8];
        digest[..DigestSize].CopyTo(new Span<byte>(d, DigestSize));
        fixed (byte* memory = genmem, keys = keystream)
        {
            // Every index into the buffer below is a step number or taken modulo the number of words.
            var words = (ulong*)memory;
            for (int start = 0; start < steps; start += ChunkBlocks)
            {
                int end = Math.Min(start + ChunkBlocks, steps);
                Prefetch(words, start, end);
                keystream.Clear();
                Xor(cipherKey, MemorySize / Salsa20.BlockSize + start, keystream);
                var k = (ulong*)keys;
                for (int step = start; step < end; step++, k += 8)
                {
                    // Both indices are big-endian. The exchange itself only moves bytes, so byte order does not matter.
                    ulong a = BigEndian(words[2 * step]) % 8;
                    ulong c = BigEndian(words[2 * step + 1]) % (MemorySize / 8);
                    (d[a], words[c]) = (words[c], d[a]);
                    d[0] ^= k[0];
                    d[1] ^= k[1];
                    d[2] ^= k[2];
                    d[3] ^= k[3];
                    d[4] ^= k[4];
                    d[5] ^= k[5];
                    d[6] ^= k[6];
                    d[7] ^= k[7];
                }
            }
        }

        new ReadOnlySpan<byte>(d, DigestSize).CopyTo(digest);
    }

    // Prefetches the words that the next steps exchange, which are spread over the whole buffer. An exchange may change an index in the
    // meantime; this is only a hint.
    private static unsafe void Prefetch(ulong* words, int start, int end)
    {
        if (Sse.IsSupported)
        {
            for (int step = start; step < end; step++)
            {
                Sse.Prefetch0(words + BigEndian(words[2 * step + 1]) % (MemorySize / 8));
            }
        }
    }

    private static void Xor(ReadOnlySpan<byte> cipherKey, int block, Span<byte> data) =>
        Salsa20.Xor(cipherKey[..Salsa20.KeySize], cipherKey[Salsa20.KeySize..], (uint)block, 20, data);

    private static ulong BigEndian(ulong word) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
}
