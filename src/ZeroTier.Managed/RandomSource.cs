using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroTier.Managed;

/// <summary>
/// A source of random numbers for a node. Can be replaced, so that simulations are reproducible. Thread-safe.
/// </summary>
public abstract class RandomSource
{
    /// <summary>The system's cryptographic generator, the only one suitable for real nodes.</summary>
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

    /// <summary>A random number from 0 to <paramref name="exclusiveMaximum"/> - 1, uniform except for a bias below 2^-32.</summary>
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
