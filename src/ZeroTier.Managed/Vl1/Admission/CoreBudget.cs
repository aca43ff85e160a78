namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// Limits the processor time of background work that consists of steps of equal cost: a burst, then a sustained share of one core.
/// </summary>
/// <param name="share">Sustained share of one core; above 0, up to 1.</param>
/// <param name="burst">Processor time that may be spent in advance.</param>
internal struct CoreBudget(double share, TimeSpan burst)
{
    private TimeSpan _shortest = TimeSpan.MaxValue;

    /// <summary>
    /// The time until which the sustained share is used up by the work done so far. Of two budgets, the one with the smaller value has used
    /// less.
    /// </summary>
    public TimeSpan PaidAt { get; private set; }

    /// <summary>Charges a step of work.</summary>
    /// <param name="time">How long it took. At most twice the shortest step so far is charged: the rest is taken for time in which the
    /// thread waited for a processor.</param>
    /// <param name="now">The time.</param>
    public void Spend(TimeSpan time, TimeSpan now)
    {
        _shortest = time < _shortest ? time : _shortest;
        var charged = time < 2 * _shortest ? time : 2 * _shortest;
        PaidAt = (PaidAt > now ? PaidAt : now) + charged / share;
    }

    /// <summary>How long to wait before the next step; zero or less means not at all.</summary>
    public readonly TimeSpan Wait(TimeSpan now) => PaidAt - burst / share - now;
}
