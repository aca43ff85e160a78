using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// GHASH (NIST SP 800-38D, 6.4) with carry-less multiplication. GCM numbers its bits backwards; blocks are byte-reversed on loading, and
/// the key is multiplied by x once, after which products come out in the right place. Eight blocks share one reduction:
/// ((h ^ b0) H^8) ^ (b1 H^7) ^ ... ^ (b7 H).
/// </summary>
internal static class GHash
{
    private const int BlockSize = 16;

    // x^128 + x^7 + x^2 + x + 1 backwards, as far as it reaches into the upper word.
    private const ulong Polynomial = 0xc200000000000000;

    /// <summary>Turns a block's bytes around.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Reverse(Vector128<byte> block) =>
        Ssse3.Shuffle(block, Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));

    /// <summary>The byte-reversed hash key times x, modulo the polynomial. Constant time.</summary>
    public static Vector128<ulong> PrepareKey(Vector128<ulong> h)
    {
        ulong low = h[0], high = h[1];
        ulong carry = 0UL - (high >> 63);
        return Vector128.Create(low << 1 ^ carry & 1, (high << 1 | low >> 63) ^ carry & Polynomial);
    }

    /// <summary>The product of two prepared powers, itself prepared.</summary>
    public static Vector128<ulong> NextPower(Vector128<ulong> power, Vector128<ulong> h)
    {
        Vector128<ulong> low = default, middle = default, high = default;
        MultiplyAdd(power, h, ref low, ref middle, ref high);
        return Reduce(low, middle, high);
    }

    /// <summary>GHASH of the data as associated data and no text. <paramref name="powers"/> holds H^1 to H^8, prepared.</summary>
    public static Vector128<byte> Compute(ReadOnlySpan<byte> data, ReadOnlySpan<Vector128<ulong>> powers)
    {
        Vector128<ulong> hash = default;
        Vector128<ulong> length = Vector128.Create(0UL, (ulong)data.Length * 8);
        ref Vector128<ulong> h = ref MemoryMarshal.GetReference(powers);
        while (data.Length >= 8 * BlockSize)
        {
            ref byte d = ref MemoryMarshal.GetReference(data);
            Vector128<ulong> low = default, middle = default, high = default;
            MultiplyAdd(Load(ref d, 0) ^ hash, Unsafe.Add(ref h, 7), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 16), Unsafe.Add(ref h, 6), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 32), Unsafe.Add(ref h, 5), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 48), Unsafe.Add(ref h, 4), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 64), Unsafe.Add(ref h, 3), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 80), Unsafe.Add(ref h, 2), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 96), Unsafe.Add(ref h, 1), ref low, ref middle, ref high);
            MultiplyAdd(Load(ref d, 112), h, ref low, ref middle, ref high);
            hash = Reduce(low, middle, high);
            data = data[(8 * BlockSize)..];
        }

        // What is left, at most seven blocks and a part, and the length block: again one reduction, from the matching power down.
        int blocks = (data.Length + BlockSize - 1) / BlockSize;
        Vector128<ulong> l = default, m = default, u = default;
        if (blocks == 8)
        {
            // 113 to 127 bytes and the length would be nine: reduce after the first.
            MultiplyAdd(Vector128.Create(data).Reversed() ^ hash, h, ref l, ref m, ref u);
            hash = Reduce(l, m, u);
            data = data[BlockSize..];
            blocks--;
            l = m = u = default;
        }

        Span<byte> last = stackalloc byte[BlockSize];
        last.Clear();
        for (int power = blocks; data.Length > 0; power--)
        {
            Vector128<ulong> block;
            if (data.Length >= BlockSize)
            {
                block = Vector128.Create(data).Reversed();
                data = data[BlockSize..];
            }
            else
            {
                data.CopyTo(last);
                block = Vector128.Create<byte>(last).Reversed();
                data = default;
            }

            MultiplyAdd(block ^ hash, Unsafe.Add(ref h, power), ref l, ref m, ref u);
            hash = default;
        }

        MultiplyAdd(length ^ hash, h, ref l, ref m, ref u);
        return Reverse(Reduce(l, m, u).AsByte());
    }

    private static Vector128<ulong> Reversed(this Vector128<byte> block) => Reverse(block).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte data, nuint offset) => Reverse(Vector128.LoadUnsafe(ref data, offset)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(Vector128<ulong> a, Vector128<ulong> b, ref Vector128<ulong> low, ref Vector128<ulong> middle, ref Vector128<ulong> high)
    {
        low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
        high ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
        middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
    }

    // 256 bits to 128, 64 at a time from the bottom.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Reduce(Vector128<ulong> low, Vector128<ulong> middle, Vector128<ulong> high)
    {
        low ^= Sse2.ShiftLeftLogical128BitLane(middle, 8);
        high ^= Sse2.ShiftRightLogical128BitLane(middle, 8);
        Vector128<ulong> polynomial = Vector128.CreateScalar(Polynomial);
        low = Sse2.Shuffle(low.AsUInt32(), 0x4e).AsUInt64() ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
        low = Sse2.Shuffle(low.AsUInt32(), 0x4e).AsUInt64() ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
        return low ^ high;
    }
}
