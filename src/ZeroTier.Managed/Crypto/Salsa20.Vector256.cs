using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <content>Eight blocks at a time: each vector holds one state word of all of them.</content>
internal static partial class Salsa20
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void XorEightBlocks(ReadOnlySpan<uint> state, ulong block, int rounds, ref byte data)
    {
        Vector256<uint> counterLow = Vector256.Create((uint)block) + Vector256<uint>.Indices;
        Vector256<uint> counterHigh = // All ones, that is minus one, where the low word wrapped.
            Vector256.Create((uint)(block >> 32)) - Vector256.LessThan(counterLow, Vector256.Create((uint)block));
        Vector256<uint> x0 = Vector256.Create(state[0]), x1 = Vector256.Create(state[1]), x2 = Vector256.Create(state[2]),
            x3 = Vector256.Create(state[3]);
        Vector256<uint> x4 = Vector256.Create(state[4]), x5 = Vector256.Create(state[5]), x6 = Vector256.Create(state[6]),
            x7 = Vector256.Create(state[7]);
        Vector256<uint> x8 = counterLow, x9 = counterHigh, x10 = Vector256.Create(state[10]), x11 = Vector256.Create(state[11]);
        Vector256<uint> x12 = Vector256.Create(state[12]), x13 = Vector256.Create(state[13]), x14 = Vector256.Create(state[14]),
            x15 = Vector256.Create(state[15]);
        for (int i = 0; i < rounds; i += 2)
        {
            x4 ^= Rotate(x0 + x12, 7);
            x9 ^= Rotate(x5 + x1, 7);
            x14 ^= Rotate(x10 + x6, 7);
            x3 ^= Rotate(x15 + x11, 7);
            x8 ^= Rotate(x4 + x0, 9);
            x13 ^= Rotate(x9 + x5, 9);
            x2 ^= Rotate(x14 + x10, 9);
            x7 ^= Rotate(x3 + x15, 9);
            x12 ^= Rotate(x8 + x4, 13);
            x1 ^= Rotate(x13 + x9, 13);
            x6 ^= Rotate(x2 + x14, 13);
            x11 ^= Rotate(x7 + x3, 13);
            x0 ^= Rotate(x12 + x8, 18);
            x5 ^= Rotate(x1 + x13, 18);
            x10 ^= Rotate(x6 + x2, 18);
            x15 ^= Rotate(x11 + x7, 18);
            x1 ^= Rotate(x0 + x3, 7);
            x6 ^= Rotate(x5 + x4, 7);
            x11 ^= Rotate(x10 + x9, 7);
            x12 ^= Rotate(x15 + x14, 7);
            x2 ^= Rotate(x1 + x0, 9);
            x7 ^= Rotate(x6 + x5, 9);
            x8 ^= Rotate(x11 + x10, 9);
            x13 ^= Rotate(x12 + x15, 9);
            x3 ^= Rotate(x2 + x1, 13);
            x4 ^= Rotate(x7 + x6, 13);
            x9 ^= Rotate(x8 + x11, 13);
            x14 ^= Rotate(x13 + x12, 13);
            x0 ^= Rotate(x3 + x2, 18);
            x5 ^= Rotate(x4 + x7, 18);
            x10 ^= Rotate(x9 + x8, 18);
            x15 ^= Rotate(x14 + x13, 18);
        }

        x0 += Vector256.Create(state[0]);
        x1 += Vector256.Create(state[1]);
        x2 += Vector256.Create(state[2]);
        x3 += Vector256.Create(state[3]);
        x4 += Vector256.Create(state[4]);
        x5 += Vector256.Create(state[5]);
        x6 += Vector256.Create(state[6]);
        x7 += Vector256.Create(state[7]);
        x8 += counterLow;
        x9 += counterHigh;
        x10 += Vector256.Create(state[10]);
        x11 += Vector256.Create(state[11]);
        x12 += Vector256.Create(state[12]);
        x13 += Vector256.Create(state[13]);
        x14 += Vector256.Create(state[14]);
        x15 += Vector256.Create(state[15]);

        Transpose(ref x0, ref x1, ref x2, ref x3);
        Transpose(ref x4, ref x5, ref x6, ref x7);
        Transpose(ref x8, ref x9, ref x10, ref x11);
        Transpose(ref x12, ref x13, ref x14, ref x15);
        XorBlocks(ref data, x0, x4, x8, x12);
        XorBlocks(ref Unsafe.Add(ref data, BlockSize), x1, x5, x9, x13);
        XorBlocks(ref Unsafe.Add(ref data, 2 * BlockSize), x2, x6, x10, x14);
        XorBlocks(ref Unsafe.Add(ref data, 3 * BlockSize), x3, x7, x11, x15);
    }

    // The lower halves belong to one block, the upper halves to the fourth block after it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void XorBlocks(ref byte data, Vector256<uint> a, Vector256<uint> b, Vector256<uint> c, Vector256<uint> d)
    {
        ref byte later = ref Unsafe.Add(ref data, 4 * BlockSize);
        (Vector256.LoadUnsafe(ref data) ^ Avx2.Permute2x128(a, b, 0x20).AsByte()).StoreUnsafe(ref data);
        (Vector256.LoadUnsafe(ref data, 32) ^ Avx2.Permute2x128(c, d, 0x20).AsByte()).StoreUnsafe(ref data, 32);
        (Vector256.LoadUnsafe(ref later) ^ Avx2.Permute2x128(a, b, 0x31).AsByte()).StoreUnsafe(ref later);
        (Vector256.LoadUnsafe(ref later, 32) ^ Avx2.Permute2x128(c, d, 0x31).AsByte()).StoreUnsafe(ref later, 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rotate(Vector256<uint> value, [ConstantExpected] byte count) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(value, count) : value << count | value >>> (32 - count);

    // As for 128 bits, in both halves at once.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector256<uint> a, ref Vector256<uint> b, ref Vector256<uint> c, ref Vector256<uint> d)
    {
        Vector256<ulong> ab = Avx2.UnpackLow(a, b).AsUInt64(), abHigh = Avx2.UnpackHigh(a, b).AsUInt64();
        Vector256<ulong> cd = Avx2.UnpackLow(c, d).AsUInt64(), cdHigh = Avx2.UnpackHigh(c, d).AsUInt64();
        a = Avx2.UnpackLow(ab, cd).AsUInt32();
        b = Avx2.UnpackHigh(ab, cd).AsUInt32();
        c = Avx2.UnpackLow(abHigh, cdHigh).AsUInt32();
        d = Avx2.UnpackHigh(abHigh, cdHigh).AsUInt32();
    }
}
