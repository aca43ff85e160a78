namespace ZeroTier.Managed.Crypto;

/// <summary>The implementations of <see cref="Salsa20"/>, which all give the same bytes.</summary>
internal enum Salsa20Path
{
    /// <summary>One block at a time, on every processor.</summary>
    Scalar,

    /// <summary>Four blocks at a time (SSE2, ARM64).</summary>
    Vector128,

    /// <summary>Eight blocks at a time (AVX2).</summary>
    Vector256,
}
