using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ZeroTier.Managed.Crypto;

/// <content>Four blocks at a time: each vector holds one state word of all of them.</content>
internal static partial class Salsa20
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void XorFourBlocks(ReadOnlySpan<uint> state, ulong block, int rounds, ref byte data)
    {
        Vector128<uint> counterLow = Vector128.Create((uint)block, (uint)(block + 1), (uint)(block + 2), (uint)(block + 3));
        Vector128<uint> counterHigh = Vector128.Create(
            (uint)(block >> 32), (uint)((block + 1) >> 32), (uint)((block + 2) >> 32), (uint)((block + 3) >> 32));
        Vector128<uint> x0 = Vector128.Create(state[0]), x1 = Vector128.Create(state[1]), x2 = Vector128.Create(state[2]),
            x3 = Vector128.Create(state[3]);
        Vector128<uint> x4 = Vector128.Create(state[4]), x5 = Vector128.Create(state[5]), x6 = Vector128.Create(state[6]),
            x7 = Vector128.Create(state[7]);
        Vector128<uint> x8 = counterLow, x9 = counterHigh, x10 = Vector128.Create(state[10]), x11 = Vector128.Create(state[11]);
        Vector128<uint> x12 = Vector128.Create(state[12]), x13 = Vector128.Create(state[13]), x14 = Vector128.Create(state[14]),
            x15 = Vector128.Create(state[15]);
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

        x0 += Vector128.Create(state[0]);
        x1 += Vector128.Create(state[1]);
        x2 += Vector128.Create(state[2]);
        x3 += Vector128.Create(state[3]);
        x4 += Vector128.Create(state[4]);
        x5 += Vector128.Create(state[5]);
        x6 += Vector128.Create(state[6]);
        x7 += Vector128.Create(state[7]);
        x8 += counterLow;
        x9 += counterHigh;
        x10 += Vector128.Create(state[10]);
        x11 += Vector128.Create(state[11]);
        x12 += Vector128.Create(state[12]);
        x13 += Vector128.Create(state[13]);
        x14 += Vector128.Create(state[14]);
        x15 += Vector128.Create(state[15]);

        Transpose(ref x0, ref x1, ref x2, ref x3);
        Transpose(ref x4, ref x5, ref x6, ref x7);
        Transpose(ref x8, ref x9, ref x10, ref x11);
        Transpose(ref x12, ref x13, ref x14, ref x15);
        XorBlock(ref data, x0, x4, x8, x12);
        XorBlock(ref Unsafe.Add(ref data, BlockSize), x1, x5, x9, x13);
        XorBlock(ref Unsafe.Add(ref data, 2 * BlockSize), x2, x6, x10, x14);
        XorBlock(ref Unsafe.Add(ref data, 3 * BlockSize), x3, x7, x11, x15);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void XorBlock(ref byte data, Vector128<uint> a, Vector128<uint> b, Vector128<uint> c, Vector128<uint> d)
    {
        (Vector128.LoadUnsafe(ref data) ^ a.AsByte()).StoreUnsafe(ref data);
        (Vector128.LoadUnsafe(ref data, 16) ^ b.AsByte()).StoreUnsafe(ref data, 16);
        (Vector128.LoadUnsafe(ref data, 32) ^ c.AsByte()).StoreUnsafe(ref data, 32);
        (Vector128.LoadUnsafe(ref data, 48) ^ d.AsByte()).StoreUnsafe(ref data, 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Rotate(Vector128<uint> value, [ConstantExpected] byte count) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(value, count) : value << count | value >>> (32 - count);

    // Transposes four vectors, each with one word of four blocks, to four vectors, each with four words of one block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector128<uint> a, ref Vector128<uint> b, ref Vector128<uint> c, ref Vector128<uint> d)
    {
        Vector128<ulong> ab = ZipLow(a, b).AsUInt64(), abHigh = ZipHigh(a, b).AsUInt64();
        Vector128<ulong> cd = ZipLow(c, d).AsUInt64(), cdHigh = ZipHigh(c, d).AsUInt64();
        a = Vector128.Create(ab.GetLower(), cd.GetLower()).AsUInt32();
        b = Vector128.Create(ab.GetUpper(), cd.GetUpper()).AsUInt32();
        c = Vector128.Create(abHigh.GetLower(), cdHigh.GetLower()).AsUInt32();
        d = Vector128.Create(abHigh.GetUpper(), cdHigh.GetUpper()).AsUInt32();
    }

    private static Vector128<uint> ZipLow(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    private static Vector128<uint> ZipHigh(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
