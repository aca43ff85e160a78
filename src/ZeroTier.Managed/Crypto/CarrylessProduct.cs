using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// Unreduced sum of carry-less products of 128-bit numbers, by PCLMULQDQ or PMULL; two or four products at a time by VPCLMULQDQ.
/// </summary>
internal struct CarrylessProduct
{
    private Vector128<ulong> _low;
    private Vector128<ulong> _middle;
    private Vector128<ulong> _high;

    public static bool IsSupported => Pclmulqdq.IsSupported && Sse2.IsSupported || ArmAes.IsSupported && AdvSimd.IsSupported;

    /// <summary>Whether the processor computes two products at a time.</summary>
    public static bool HasPairs => Pclmulqdq.V256.IsSupported && Avx2.IsSupported;

    /// <summary>Whether the processor computes four products at a time.</summary>
    public static bool HasFours => Pclmulqdq.V512.IsSupported && Avx512BW.IsSupported && Vector512.IsHardwareAccelerated;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Vector128<ulong> a, Vector128<ulong> b)
    {
        if (Pclmulqdq.IsSupported)
        {
            _low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
            _high ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
            _middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
        }
        else
        {
            Vector128<ulong> crossed = AdvSimd.ExtractVector128(b, b, 1);
            _low ^= ArmAes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());
            _high ^= ArmAes.PolynomialMultiplyWideningUpper(a, b);
            _middle ^= ArmAes.PolynomialMultiplyWideningLower(
                a.GetLower(), crossed.GetLower()) ^ ArmAes.PolynomialMultiplyWideningUpper(a, crossed);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Pair pair)
    {
        _low ^= pair.Low.GetLower() ^ pair.Low.GetUpper();
        _middle ^= pair.Middle.GetLower() ^ pair.Middle.GetUpper();
        _high ^= pair.High.GetLower() ^ pair.High.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Four four) => Add(new Pair
    {
        Low = four.Low.GetLower() ^ four.Low.GetUpper(),
        Middle = four.Middle.GetLower() ^ four.Middle.GetUpper(),
        High = four.High.GetLower() ^ four.High.GetUpper(),
    });

    /// <summary>Reduces the sum from 256 to 128 bits, 64 bits at a time from the bottom.</summary>
    /// <param name="polynomial">In its lower word, the upper 64 bits of the bit-reversed polynomial.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector128<ulong> Reduce(Vector128<ulong> polynomial)
    {
        Vector128<ulong> low;
        Vector128<ulong> high;
        if (Pclmulqdq.IsSupported)
        {
            low = _low ^ Sse2.ShiftLeftLogical128BitLane(_middle, 8);
            high = _high ^ Sse2.ShiftRightLogical128BitLane(_middle, 8);
            low = Sse2.Shuffle(low.AsUInt32(), 0x4e).AsUInt64() ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
            low = Sse2.Shuffle(low.AsUInt32(), 0x4e).AsUInt64() ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
        }
        else
        {
            low = _low ^ AdvSimd.ExtractVector128(Vector128<ulong>.Zero, _middle, 1);
            high = _high ^ AdvSimd.ExtractVector128(_middle, Vector128<ulong>.Zero, 1);
            low = AdvSimd.ExtractVector128(low, low, 1) ^ ArmAes.PolynomialMultiplyWideningLower(low.GetLower(), polynomial.GetLower());
            low = AdvSimd.ExtractVector128(low, low, 1) ^ ArmAes.PolynomialMultiplyWideningLower(low.GetLower(), polynomial.GetLower());
        }

        return low ^ high;
    }

    /// <summary>Two sums in parallel. Usable only if <see cref="HasPairs"/>.</summary>
    internal struct Pair
    {
        public Vector256<ulong> Low;
        public Vector256<ulong> Middle;
        public Vector256<ulong> High;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector256<ulong> a, Vector256<ulong> b)
        {
            Low ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x00);
            High ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x11);
            Middle ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.V256.CarrylessMultiply(a, b, 0x10);
        }
    }

    /// <summary>Four sums in parallel. Usable only if <see cref="HasFours"/>.</summary>
    internal struct Four
    {
        public Vector512<ulong> Low;
        public Vector512<ulong> Middle;
        public Vector512<ulong> High;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector512<ulong> a, Vector512<ulong> b)
        {
            Low ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x00);
            High ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x11);
            Middle ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.V512.CarrylessMultiply(a, b, 0x10);
        }
    }
}
