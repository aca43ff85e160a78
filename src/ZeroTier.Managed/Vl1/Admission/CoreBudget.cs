namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>Limits the processor time of background work in pieces of equal cost: a burst, then a share of one core.</summary>
/// <param name="share">Of one core; above 0, up to 1.</param>
/// <param name="burst">Processor time that may be spent ahead.</param>
internal struct CoreBudget(double share, TimeSpan burst)
{
    private TimeSpan _shortest = TimeSpan.MaxValue;

    /// <summary>When the time spent so far has been earned at the sustained share. Smaller means less of the share was used.</summary>
    public TimeSpan PaidAt { get; private set; }

    /// <summary>Charges a piece of work.</summary>
    /// <param name="time">How long it took. Time far above the shortest so far was spent waiting for a processor and is not
    /// charged.</param>
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
