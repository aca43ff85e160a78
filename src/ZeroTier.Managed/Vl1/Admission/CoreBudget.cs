namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>Processor time for background work: some at once, then a share of one core.</summary>
/// <param name="share">Of one core; above 0, up to 1.</param>
/// <param name="burst">Processor time that may be spent ahead.</param>
internal struct CoreBudget(double share, TimeSpan burst)
{
    /// <summary>When all that was spent is paid for. The smaller, the less of its share a kind of work has used.</summary>
    public TimeSpan PaidAt { get; private set; }

    /// <summary>Charges time that was spent.</summary>
    public void Spend(TimeSpan time, TimeSpan now) => PaidAt = (PaidAt > now ? PaidAt : now) + time / share;

    /// <summary>How long to wait before the next piece of work; zero or less means not at all.</summary>
    public readonly TimeSpan Wait(TimeSpan now) => PaidAt - burst / share - now;
}
