namespace ZeroTier.Certificates;

/// <summary>The validity period of a node's certificate, in whole seconds as X.509 encodes it.</summary>
internal readonly record struct CertificateTimes(DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>From issue to expiry.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>
    /// The longest validity period that a client accepts, so that a node cannot issue certificates of unlimited validity.
    /// </summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(90);

    /// <summary>
    /// Permitted clock skew: certificates are valid from this long before issue, and clients accept them this long before and after the
    /// period.
    /// </summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    /// <summary>The period of a certificate issued now.</summary>
    public static CertificateTimes From(DateTimeOffset now)
    {
        var second = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new(second - ClockTolerance, second + Lifetime);
    }

    /// <summary>
    /// Whether the node may keep using the certificate: false in the last third of its lifetime, and before its start (the clock was set
    /// back).
    /// </summary>
    public bool IsFresh(DateTimeOffset now) => now >= NotBefore && now < NotAfter - Lifetime / 3;

    /// <summary>Why a client must refuse it now; null when it is valid.</summary>
    public string? WhyNot(DateTimeOffset now) =>
        NotAfter - NotBefore > MaxLifetime ? $"is good for more than {MaxLifetime.TotalDays:0} days"
        : now < NotBefore - ClockTolerance ? $"begins at {NotBefore:u}, and it is {now:u}: check the clocks"
        : now > NotAfter + ClockTolerance ? $"ended at {NotAfter:u}, and it is {now:u}: check the clocks"
        : null;
}
