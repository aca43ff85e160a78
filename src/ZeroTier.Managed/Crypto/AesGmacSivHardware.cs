using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// Suite 3 with the AES and carry-less multiplication instructions of x86-64 and ARM64. It has no mutable state, so it needs no lock.
/// </summary>
internal sealed class AesGmacSivHardware : AesGmacSiv
{
    private const int RoundKeys = 15;
    private const int MacKeys = 0;
    private const int EncryptKeys = RoundKeys;
    private const int DecryptKeys = 2 * RoundKeys;
    private const int HashPowers = 3 * RoundKeys;

    // All secrets in one pinned array, so that the garbage collector makes no copies: three key schedules, then powers of H for GHASH.
    private readonly Vector128<byte>[] _keys = GC.AllocateArray<Vector128<byte>>(3 * RoundKeys + GHash.Powers, pinned: true);

    public AesGmacSivHardware(ReadOnlySpan<byte> k0, ReadOnlySpan<byte> k1)
    {
        ExpandKey(k0, _keys.AsSpan(MacKeys, RoundKeys));
        ExpandKey(k1, _keys.AsSpan(EncryptKeys, RoundKeys));

        // The equivalent inverse cipher (FIPS 197, 5.3.5): the schedule backwards, inner keys through InvMixColumns.
        for (int i = 0; i < RoundKeys; i++)
        {
            Vector128<byte> key = _keys[EncryptKeys + RoundKeys - 1 - i];
            _keys[DecryptKeys + i] = i is 0 or RoundKeys - 1 ? key : AesRound.InverseMixColumns(key);
        }

        GHash.Prepare(Encrypt(Vector128<byte>.Zero, ref _keys[MacKeys]), HashPowersOf(_keys));
    }

    public static bool IsSupported => AesRound.IsSupported && CarrylessProduct.IsSupported;

    public override void Gmac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, Span<byte> tag)
    {
        Vector128<byte> hash = GHash.Compute(data, HashPowersOf(_keys));

        // The first counter block of GCM: the 96-bit IV and a counter of 1.
        ulong end = 0x01000000_00000000UL | BinaryPrimitives.ReadUInt32LittleEndian(iv[8..]);
        Vector128<byte> first = Vector128.Create(BinaryPrimitives.ReadUInt64LittleEndian(iv), end).AsByte();
        (hash ^ Encrypt(first, ref _keys[MacKeys])).CopyTo(tag);
    }

    public override void Ctr(ReadOnlySpan<byte> counterBlock, Span<byte> data)
    {
        ref Vector128<byte> k = ref _keys[EncryptKeys];

        // The block is incremented with its bytes reversed, in which form the big-endian counter is an ordinary 32-bit lane.
        Vector128<uint> counter = GHash.Reverse(Vector128.Create(counterBlock)).AsUInt32();
        Vector128<uint> one = Vector128.Create(1u, 0, 0, 0);
        while (data.Length >= 8 * BlockSize)
        {
            Vector128<byte> key = k;
            Vector128<byte> b0 = GHash.Reverse(counter.AsByte()) ^ key;
            Vector128<byte> b1 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b2 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b3 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b4 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b5 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b6 = GHash.Reverse((counter += one).AsByte()) ^ key;
            Vector128<byte> b7 = GHash.Reverse((counter += one).AsByte()) ^ key;
            counter += one;
            for (int i = 1; i < RoundKeys - 1; i++)
            {
                key = Unsafe.Add(ref k, i);
                b0 = AesRound.Encrypt(b0, key);
                b1 = AesRound.Encrypt(b1, key);
                b2 = AesRound.Encrypt(b2, key);
                b3 = AesRound.Encrypt(b3, key);
                b4 = AesRound.Encrypt(b4, key);
                b5 = AesRound.Encrypt(b5, key);
                b6 = AesRound.Encrypt(b6, key);
                b7 = AesRound.Encrypt(b7, key);
            }

            key = Unsafe.Add(ref k, RoundKeys - 1);
            ref byte d = ref MemoryMarshal.GetReference(data);
            (AesRound.EncryptLast(b0, key) ^ Vector128.LoadUnsafe(ref d)).StoreUnsafe(ref d);
            (AesRound.EncryptLast(b1, key) ^ Vector128.LoadUnsafe(ref d, 16)).StoreUnsafe(ref d, 16);
            (AesRound.EncryptLast(b2, key) ^ Vector128.LoadUnsafe(ref d, 32)).StoreUnsafe(ref d, 32);
            (AesRound.EncryptLast(b3, key) ^ Vector128.LoadUnsafe(ref d, 48)).StoreUnsafe(ref d, 48);
            (AesRound.EncryptLast(b4, key) ^ Vector128.LoadUnsafe(ref d, 64)).StoreUnsafe(ref d, 64);
            (AesRound.EncryptLast(b5, key) ^ Vector128.LoadUnsafe(ref d, 80)).StoreUnsafe(ref d, 80);
            (AesRound.EncryptLast(b6, key) ^ Vector128.LoadUnsafe(ref d, 96)).StoreUnsafe(ref d, 96);
            (AesRound.EncryptLast(b7, key) ^ Vector128.LoadUnsafe(ref d, 112)).StoreUnsafe(ref d, 112);
            data = data[(8 * BlockSize)..];
        }

        Span<byte> last = stackalloc byte[BlockSize];
        while (data.Length > 0)
        {
            Vector128<byte> keystream = Encrypt(GHash.Reverse(counter.AsByte()), ref k);
            counter += one;
            if (data.Length >= BlockSize)
            {
                (keystream ^ Vector128.Create<byte>(data)).CopyTo(data);
                data = data[BlockSize..];
                continue;
            }

            keystream.CopyTo(last);
            for (int i = 0; i < data.Length; i++)
            {
                data[i] ^= last[i];
            }

            break;
        }
    }

    public override void EncryptBlock(Span<byte> block) => Encrypt(Vector128.Create<byte>(block), ref _keys[EncryptKeys]).CopyTo(block);

    public override void DecryptBlock(Span<byte> block)
    {
        ref Vector128<byte> k = ref _keys[DecryptKeys];
        Vector128<byte> b = Vector128.Create<byte>(block) ^ k;
        for (int i = 1; i < RoundKeys - 1; i++)
        {
            b = AesRound.Decrypt(b, Unsafe.Add(ref k, i));
        }

        AesRound.DecryptLast(b, Unsafe.Add(ref k, RoundKeys - 1)).CopyTo(block);
    }

    public override void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_keys.AsSpan()));

    private static Span<Vector128<ulong>> HashPowersOf(Vector128<byte>[] keys) =>
        MemoryMarshal.Cast<Vector128<byte>, Vector128<ulong>>(keys.AsSpan(HashPowers, GHash.Powers));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Encrypt(Vector128<byte> block, ref Vector128<byte> keys)
    {
        block ^= keys;
        for (int i = 1; i < RoundKeys - 1; i++)
        {
            block = AesRound.Encrypt(block, Unsafe.Add(ref keys, i));
        }

        return AesRound.EncryptLast(block, Unsafe.Add(ref keys, RoundKeys - 1));
    }

    // FIPS 197, 5.2 for eight key words: even round keys take RotWord, SubWord and Rcon of the last word, odd ones SubWord alone.
    private static void ExpandKey(ReadOnlySpan<byte> key, Span<Vector128<byte>> schedule)
    {
        Span<uint> words = MemoryMarshal.Cast<Vector128<byte>, uint>(schedule);
        MemoryMarshal.Cast<byte, uint>(key).CopyTo(words);
        uint constant = 1;
        for (int i = 8; i < words.Length; i++)
        {
            uint word = words[i - 1];
            if (i % 8 == 0)
            {
                // Words are little-endian here: their first byte is the lowest.
                word = AesRound.SubstituteWord(BitOperations.RotateRight(word, 8)) ^ constant;
                constant <<= 1;
            }
            else if (i % 8 == 4)
            {
                word = AesRound.SubstituteWord(word);
            }

            words[i] = words[i - 8] ^ word;
        }
    }
}
