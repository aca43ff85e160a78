namespace ZeroTier.Certificates;

/// <summary>How long a node's certificate is good. Whole seconds, as in a certificate.</summary>
internal readonly record struct CertificateTimes(DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>From its making to its end.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>What a client accepts at most from begin to end, so that no node can sign for ever.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(90);

    /// <summary>What clocks may differ by: certificates begin so much earlier, and end for clients so much later.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    /// <summary>The times of one that is made now.</summary>
    public static CertificateTimes From(DateTimeOffset now)
    {
        var second = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new(second - ClockTolerance, second + Lifetime);
    }

    /// <summary>Whether the node should go on showing it: not later than two thirds of its life, nor at a time before it, to which a clock was set back.</summary>
    public bool IsFresh(DateTimeOffset now) => now >= NotBefore && now < NotAfter - Lifetime / 3;

    /// <summary>Why a client refuses it now; null when it does not.</summary>
    public string? WhyNot(DateTimeOffset now) =>
        NotAfter - NotBefore > MaxLifetime ? $"is good for more than {MaxLifetime.TotalDays:0} days"
        : now < NotBefore - ClockTolerance ? $"begins at {NotBefore:u}, and it is {now:u}: check the clocks"
        : now > NotAfter + ClockTolerance ? $"ended at {NotAfter:u}, and it is {now:u}: check the clocks"
        : null;
}
