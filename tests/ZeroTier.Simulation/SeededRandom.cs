using System.Buffers.Binary;
using System.Numerics;
using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>A reproducible random source: xoshiro256**, its state spread from the seed by SplitMix64. For simulations only.</summary>
public sealed class SeededRandom : RandomSource
{
    private readonly Lock _lock = new();
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>Equal seeds give equal sequences.</summary>
    public SeededRandom(ulong seed)
    {
        _a = SplitMix(ref seed);
        _b = SplitMix(ref seed);
        _c = SplitMix(ref seed);
        _d = SplitMix(ref seed);
    }

    /// <inheritdoc />
    public override void Fill(Span<byte> destination)
    {
        lock (_lock)
        {
            Span<byte> word = stackalloc byte[8];
            while (!destination.IsEmpty)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, Step());
                int count = Math.Min(8, destination.Length);
                word[..count].CopyTo(destination);
                destination = destination[count..];
            }
        }
    }

    /// <summary>A number from 0 up to, but not including, 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>
    /// True with the given probability. Draws nothing for 0 or less, so that a setting that is off does not shift the sequence.
    /// </summary>
    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    /// <summary>A new source whose sequence depends on this one's state: one per node, so that nodes do not share a sequence.</summary>
    public SeededRandom Fork() => new(NextUInt64());

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    private ulong Step()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }
}
