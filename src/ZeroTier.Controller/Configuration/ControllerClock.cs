namespace ZeroTier.Controller.Configuration;

/// <summary>
/// Issues the timestamps of configurations, credentials and revocations. Members compare them, so they must never be lower than any
/// timestamp issued before, to any member by any process, and must advance at the rate of real time even if the system clock is set. They
/// are reserved in the store, in steps, before they are used. Not thread-safe.
/// </summary>
internal sealed class ControllerClock(TimeProvider time)
{
    // The size of a reservation in milliseconds: a restart may advance the clock by this much, and each step costs a write.
    private const long Step = 30_000;

    // The highest timestamp issued or reserved, and the monotonic time at which it was set: the clock counts on from there.
    private long _anchor;
    private long _anchored;
    private long _reserved;

    private long Now =>
        Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), _anchor + (long)time.GetElapsedTime(_anchored).TotalMilliseconds);

    /// <summary>Called when a lease was acquired: timestamps reserved by earlier holders may have been used.</summary>
    public void Begin(IControllerLease lease)
    {
        _reserved = lease.ReservedTime;
        Raise(_reserved + 1);
    }

    /// <summary>Issues a timestamp.</summary>
    /// <param name="lease">The lease that is held.</param>
    /// <param name="last">The receiver's last timestamp, which the new one must exceed.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    public async ValueTask<ulong> NextAsync(IControllerLease lease, ulong last, CancellationToken cancellationToken)
    {
        long next = Math.Max(Now, (long)last + 1);
        if (next > _reserved)
        {
            long reserved = next + Step;
            await lease.ReserveTimeAsync(reserved, cancellationToken).ConfigureAwait(false);
            _reserved = reserved;
        }

        Raise(next);
        return (ulong)next;
    }

    /// <summary>Makes all later timestamps higher than this one.</summary>
    public void Pass(ulong timestamp) => Raise((long)timestamp + 1);

    private void Raise(long timestamp)
    {
        if (timestamp > _anchor + (long)time.GetElapsedTime(_anchored).TotalMilliseconds)
        {
            _anchor = timestamp;
            _anchored = time.GetTimestamp();
        }
    }
}
