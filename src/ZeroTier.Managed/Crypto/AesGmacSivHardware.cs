using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using AesInstructions = System.Runtime.Intrinsics.X86.Aes;

namespace ZeroTier.Managed.Crypto;

/// <summary>Suite 3 with the AES and carry-less multiplication instructions of x86-64. Holds nothing that changes, so it needs no lock.</summary>
internal sealed class AesGmacSivHardware : AesGmacSiv
{
    private const int RoundKeys = 15;
    private const int Powers = 8;
    private const int MacKeys = 0;
    private const int EncryptKeys = RoundKeys;
    private const int DecryptKeys = 2 * RoundKeys;
    private const int HashPowers = 3 * RoundKeys;

    // All secrets of the pair in one pinned array, so that the collector leaves no copies behind: three key schedules,
    // then H^1 ... H^8 for GHASH.
    private readonly Vector128<byte>[] _keys = GC.AllocateArray<Vector128<byte>>(3 * RoundKeys + Powers, pinned: true);

    public AesGmacSivHardware(ReadOnlySpan<byte> k0, ReadOnlySpan<byte> k1)
    {
        ExpandKey(k0, _keys.AsSpan(MacKeys, RoundKeys));
        ExpandKey(k1, _keys.AsSpan(EncryptKeys, RoundKeys));

        // The equivalent inverse cipher (FIPS 197, 5.3.5): the schedule backwards, inner keys through InvMixColumns.
        for (int i = 0; i < RoundKeys; i++)
        {
            Vector128<byte> key = _keys[EncryptKeys + RoundKeys - 1 - i];
            _keys[DecryptKeys + i] = i is 0 or RoundKeys - 1 ? key : AesInstructions.InverseMixColumns(key);
        }

        Vector128<ulong> h = GHash.PrepareKey(GHash.Reverse(Encrypt(Vector128<byte>.Zero, ref _keys[MacKeys])).AsUInt64());
        Vector128<ulong> power = h;
        for (int i = 0; i < Powers; i++)
        {
            _keys[HashPowers + i] = power.AsByte();
            power = GHash.NextPower(power, h);
        }
    }

    public static bool IsSupported => AesInstructions.IsSupported && Pclmulqdq.IsSupported && Ssse3.IsSupported;

    public override void Gmac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, Span<byte> tag)
    {
        Vector128<byte> hash = GHash.Compute(data, MemoryMarshal.Cast<Vector128<byte>, Vector128<ulong>>(_keys.AsSpan(HashPowers, Powers)));

        // The first counter block of GCM: the 96-bit IV and a counter of 1.
        ulong end = 0x01000000_00000000UL | BinaryPrimitives.ReadUInt32LittleEndian(iv[8..]);
        Vector128<byte> first = Vector128.Create(BinaryPrimitives.ReadUInt64LittleEndian(iv), end).AsByte();
        (hash ^ Encrypt(first, ref _keys[MacKeys])).CopyTo(tag);
    }

    public override void Ctr(ReadOnlySpan<byte> counterBlock, Span<byte> data)
    {
        ref Vector128<byte> k = ref _keys[EncryptKeys];

        // Counting is done on the block with its words reversed, where the counter is an ordinary 32-bit lane.
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
                b0 = AesInstructions.Encrypt(b0, key);
                b1 = AesInstructions.Encrypt(b1, key);
                b2 = AesInstructions.Encrypt(b2, key);
                b3 = AesInstructions.Encrypt(b3, key);
                b4 = AesInstructions.Encrypt(b4, key);
                b5 = AesInstructions.Encrypt(b5, key);
                b6 = AesInstructions.Encrypt(b6, key);
                b7 = AesInstructions.Encrypt(b7, key);
            }

            key = Unsafe.Add(ref k, RoundKeys - 1);
            ref byte d = ref MemoryMarshal.GetReference(data);
            (AesInstructions.EncryptLast(b0, key) ^ Vector128.LoadUnsafe(ref d)).StoreUnsafe(ref d);
            (AesInstructions.EncryptLast(b1, key) ^ Vector128.LoadUnsafe(ref d, 16)).StoreUnsafe(ref d, 16);
            (AesInstructions.EncryptLast(b2, key) ^ Vector128.LoadUnsafe(ref d, 32)).StoreUnsafe(ref d, 32);
            (AesInstructions.EncryptLast(b3, key) ^ Vector128.LoadUnsafe(ref d, 48)).StoreUnsafe(ref d, 48);
            (AesInstructions.EncryptLast(b4, key) ^ Vector128.LoadUnsafe(ref d, 64)).StoreUnsafe(ref d, 64);
            (AesInstructions.EncryptLast(b5, key) ^ Vector128.LoadUnsafe(ref d, 80)).StoreUnsafe(ref d, 80);
            (AesInstructions.EncryptLast(b6, key) ^ Vector128.LoadUnsafe(ref d, 96)).StoreUnsafe(ref d, 96);
            (AesInstructions.EncryptLast(b7, key) ^ Vector128.LoadUnsafe(ref d, 112)).StoreUnsafe(ref d, 112);
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
            b = AesInstructions.Decrypt(b, Unsafe.Add(ref k, i));
        }

        AesInstructions.DecryptLast(b, Unsafe.Add(ref k, RoundKeys - 1)).CopyTo(block);
    }

    public override void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_keys.AsSpan()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Encrypt(Vector128<byte> block, ref Vector128<byte> keys)
    {
        block ^= keys;
        for (int i = 1; i < RoundKeys - 1; i++)
        {
            block = AesInstructions.Encrypt(block, Unsafe.Add(ref keys, i));
        }

        return AesInstructions.EncryptLast(block, Unsafe.Add(ref keys, RoundKeys - 1));
    }

    // FIPS 197, 5.2 for eight key words: even round keys take RotWord, SubWord and Rcon of the last word, odd ones SubWord alone.
    private static void ExpandKey(ReadOnlySpan<byte> key, Span<Vector128<byte>> schedule)
    {
        Vector128<byte> even = Vector128.Create(key), odd = Vector128.Create(key[16..]);
        schedule[0] = even;
        schedule[1] = odd;
        byte constant = 1;
        for (int i = 2; i < RoundKeys; i++)
        {
            if ((i & 1) == 0)
            {
                // Word 3 of the result is RotWord(SubWord(word 3)) with constant 0; the round constant is added here.
                Vector128<uint> t = Sse2.Shuffle(AesInstructions.KeygenAssist(odd, 0).AsUInt32(), 0xff) ^ Vector128.Create((uint)constant);
                even = Spread(even) ^ t.AsByte();
                schedule[i] = even;
                constant <<= 1;
            }
            else
            {
                // Word 2 of the result is SubWord(word 3).
                odd = Spread(odd) ^ Sse2.Shuffle(AesInstructions.KeygenAssist(even, 0).AsUInt32(), 0xaa).AsByte();
                schedule[i] = odd;
            }
        }
    }

    // Each word becomes the XOR of itself and all words before it.
    private static Vector128<byte> Spread(Vector128<byte> words)
    {
        words ^= Sse2.ShiftLeftLogical128BitLane(words, 4);
        return words ^ Sse2.ShiftLeftLogical128BitLane(words, 8);
    }
}
