using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// GHASH (NIST SP 800-38D, 6.4) with carry-less multiplication. GCM numbers bits in reverse order: blocks are byte-reversed when loaded,
/// and the key is multiplied by x once, which makes up for the shift of bit-reversed products. Sixteen blocks share one reduction:
/// ((h ^ b0) H^16) ^ (b1 H^15) ^ ... ^ (b15 H).
/// </summary>
internal static class GHash
{
    /// <summary>
    /// Number of precomputed powers of the key: one for each block of a group, and one for the length block, which is added before the
    /// reduction of the last group.
    /// </summary>
    public const int Powers = Group + 1;

    private const int BlockSize = 16;
    private const int Group = 16;

    // The upper 64 bits of the bit-reversed polynomial x^128 + x^7 + x^2 + x + 1.
    private const ulong Polynomial = 0xc200000000000000;

    private static Vector128<byte> Backwards => Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

    /// <summary>Reverses the bytes of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Reverse(Vector128<byte> block) =>
        Vector128.Shuffle(block, Backwards);

    /// <summary>Computes the powers of the hash key, the highest first.</summary>
    public static void Prepare(Vector128<byte> key, Span<Vector128<ulong>> powers)
    {
        Vector128<ulong> h = TimesX(Reverse(key).AsUInt64());
        Vector128<ulong> power = h;
        for (int i = Powers - 1; i >= 0; i--)
        {
            powers[i] = power;
            CarrylessProduct product = default;
            product.Add(power, h);
            power = Reduce(product);
        }
    }

    /// <summary>GHASH with the data as additional authenticated data and an empty text.</summary>
    public static Vector128<byte> Compute(ReadOnlySpan<byte> data, ReadOnlySpan<Vector128<ulong>> powers)
    {
        ref Vector128<ulong> p = ref MemoryMarshal.GetReference(powers);
        Vector128<ulong> length = Vector128.Create(0UL, (ulong)data.Length * 8);
        Vector128<ulong> hash = default;
        CarrylessProduct product;
        while (data.Length >= Group * BlockSize)
        {
            product = default;
            AddBlocks(ref MemoryMarshal.GetReference(data), Group, hash, ref Unsafe.Add(ref p, 1), ref product);
            hash = Reduce(product);
            data = data[(Group * BlockSize)..];
        }

        // The rest, at most sixteen blocks, of which the last may be partial, and the length block, with one reduction.
        int whole = data.Length / BlockSize;
        int part = data.Length % BlockSize;
        p = ref Unsafe.Add(ref p, Powers - 1 - whole - (part > 0 ? 1 : 0));
        product = default;
        if (whole > 0)
        {
            AddBlocks(ref MemoryMarshal.GetReference(data), whole, hash, ref p, ref product);
            hash = default;
            p = ref Unsafe.Add(ref p, whole);
        }

        if (part > 0)
        {
            product.Add(Reverse(LoadPart(data[^part..])).AsUInt64() ^ hash, p);
            hash = default;
            p = ref Unsafe.Add(ref p, 1);
        }

        product.Add(length ^ hash, p);
        return Reverse(Reduce(product).AsByte());
    }

    // A block that is not whole, with zeros behind it.
    private static Vector128<byte> LoadPart(ReadOnlySpan<byte> part)
    {
        Vector128<byte> block = default;
        part.CopyTo(MemoryMarshal.AsBytes(new Span<Vector128<byte>>(ref block)));
        return block;
    }

    // Adds the products of blocks and powers. The hash so far is XORed into the first block. The wider the step, the more there is to
    // compile, so each width is a method: a node's start does not wait for one that it does not use.
    private static void AddBlocks(
        ref byte data, int count, Vector128<ulong> hash, ref Vector128<ulong> powers, ref CarrylessProduct product)
    {
        int i = 0;
        if (CarrylessProduct.HasFours && count >= 4)
        {
            i = AddFours(ref data, count, hash, ref powers, ref product);
            hash = default;
        }
        else if (CarrylessProduct.HasPairs && count >= 2)
        {
            i = AddPairs(ref data, count, hash, ref powers, ref product);
            hash = default;
        }

        for (; i < count; i++)
        {
            product.Add(Reverse(Vector128.LoadUnsafe(ref data, (nuint)(i * BlockSize))).AsUInt64() ^ hash, Unsafe.Add(ref powers, i));
            hash = default;
        }
    }

    // Returns the number of blocks added.
    private static int AddFours(
        ref byte data, int count, Vector128<ulong> hash, ref Vector128<ulong> powers, ref CarrylessProduct product)
    {
        ref ulong keys = ref Unsafe.As<Vector128<ulong>, ulong>(ref powers);
        CarrylessProduct.Four four = default;
        Vector512<ulong> before = Vector512.CreateScalar(0UL).WithLower(hash.ToVector256());
        int i = 0;
        for (; i <= count - 4; i += 4)
        {
            Vector512<byte> blocks = Vector512.LoadUnsafe(ref data, (nuint)(i * BlockSize));
            four.Add(
                Avx512BW.Shuffle(blocks, Vector512.Create(Backwards)).AsUInt64() ^ before, Vector512.LoadUnsafe(ref keys, (nuint)(i * 2)));
            before = default;
        }

        product.Add(four);
        return i;
    }

    // Returns the number of blocks added.
    private static int AddPairs(
        ref byte data, int count, Vector128<ulong> hash, ref Vector128<ulong> powers, ref CarrylessProduct product)
    {
        ref ulong keys = ref Unsafe.As<Vector128<ulong>, ulong>(ref powers);
        CarrylessProduct.Pair pair = default;
        Vector256<ulong> before = hash.ToVector256();
        int i = 0;
        for (; i <= count - 2; i += 2)
        {
            Vector256<byte> blocks = Vector256.LoadUnsafe(ref data, (nuint)(i * BlockSize));
            pair.Add(
                Avx2.Shuffle(blocks, Vector256.Create(Backwards)).AsUInt64() ^ before, Vector256.LoadUnsafe(ref keys, (nuint)(i * 2)));
            before = default;
        }

        product.Add(pair);
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Reduce(in CarrylessProduct product) => product.Reduce(Vector128.CreateScalar(Polynomial));

    // Multiplies by x modulo the polynomial, in constant time.
    private static Vector128<ulong> TimesX(Vector128<ulong> h)
    {
        ulong low = h[0], high = h[1];
        ulong carry = 0UL - (high >> 63);
        return Vector128.Create(low << 1 ^ carry & 1, (high << 1 | low >> 63) ^ carry & Polynomial);
    }
}
