namespace ZeroTier.Managed.Tests.Identity;

/// <summary>Random numbers that are the same on every run.</summary>
internal sealed class SeededRandom(int seed) : RandomSource
{
    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();

    public override void Fill(Span<byte> destination)
    {
        lock (_lock)
        {
            _random.NextBytes(destination);
        }
    }
}
