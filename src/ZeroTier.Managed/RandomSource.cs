using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroTier.Managed;

/// <summary>
/// Where a node's random numbers come from. Injected, so that a simulation with one seed always runs the same. Thread-safe.
/// </summary>
public abstract class RandomSource
{
    /// <summary>The system's cryptographic generator: the only one fit for real nodes.</summary>
    public static RandomSource System { get; } = new SystemRandomSource();

    /// <summary>Fills the span with random bytes.</summary>
    public abstract void Fill(Span<byte> destination);

    /// <summary>A random 64-bit number.</summary>
    public ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>A random number below <paramref name="exclusiveMaximum"/>, uniform but for a bias below 2^-32.</summary>
    public int Next(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMaximum);
        return (int)((UInt128)NextUInt64() * (uint)exclusiveMaximum >> 64);
    }

    private sealed class SystemRandomSource : RandomSource
    {
        public override void Fill(Span<byte> destination)
        {
            try
            {
                RandomNumberGenerator.Fill(destination);
            }
            catch (CryptographicException e)
            {
                throw new ZeroTierException(
                    ZeroTierError.Fatal,
                    $"The system gives no random numbers, without which there are no keys: {e.Message}. A sandbox (seccomp) around the "
                    + "process must allow getrandom.",
                    e);
            }
        }
    }
}
