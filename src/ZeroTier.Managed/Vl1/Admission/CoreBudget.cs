namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>Processor time for background work that always takes the same: some at once, then a share of one core.</summary>
/// <param name="share">Of one core; above 0, up to 1.</param>
/// <param name="burst">Processor time that may be spent ahead.</param>
internal struct CoreBudget(double share, TimeSpan burst)
{
    private TimeSpan _shortest = TimeSpan.MaxValue;

    /// <summary>When all that was spent is paid for. The smaller, the less of its share a kind of work has used.</summary>
    public TimeSpan PaidAt { get; private set; }

    /// <summary>Charges a piece of work.</summary>
    /// <param name="time">How long it took. What is far more than the shortest so far was waiting for a processor that others had, and is not charged.</param>
    /// <param name="now">The time.</param>
    public void Spend(TimeSpan time, TimeSpan now)
    {
        _shortest = time < _shortest ? time : _shortest;
        var charged = time < 2 * _shortest ? time : 2 * _shortest;
        PaidAt = (PaidAt > now ? PaidAt : now) + charged / share;
    }

    /// <summary>How long to wait before the next piece of work; zero or less means not at all.</summary>
    public readonly TimeSpan Wait(TimeSpan now) => PaidAt - burst / share - now;
}
