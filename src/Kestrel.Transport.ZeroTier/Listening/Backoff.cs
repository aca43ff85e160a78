namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>Exponential back-off with jitter, reset by success.</summary>
internal struct Backoff(Random random)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    private int _attempts;

    /// <summary>The next delay.</summary>
    public TimeSpan Next()
    {
        double full = Math.Min(Longest.TotalMilliseconds, First.TotalMilliseconds * Math.Pow(2, Math.Min(_attempts++, 16)));
        return TimeSpan.FromMilliseconds(full * (0.5 + (random.NextDouble() * 0.5)));
    }

    /// <summary>Starts again with the shortest delay.</summary>
    public void Reset() => _attempts = 0;
}
