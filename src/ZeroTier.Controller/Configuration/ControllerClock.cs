namespace ZeroTier.Controller.Configuration;

/// <summary>
/// The time stamps of configurations, credentials and revocations. Members order them and compare them with each other, so they never fall
/// behind any that was given out, to whomever and by whichever process, and go on at the pace of time whatever the system's clock does.
/// Each is reserved in the store before it is used, in steps. Used by one thread at a time.
/// </summary>
internal sealed class ControllerClock(TimeProvider time)
{
    // How far a restart may set the clock ahead; each step costs a write.
    private const long Step = 30_000;

    // The highest that was given out or reserved, and when, in the time provider's ticks: from there on it is counted.
    private long _anchor;
    private long _anchored;
    private long _reserved;

    private long Now =>
        Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), _anchor + (long)time.GetElapsedTime(_anchored).TotalMilliseconds);

    /// <summary>A lease was acquired: what its earlier holders have reserved may have been used.</summary>
    public void Begin(IControllerLease lease)
    {
        _reserved = lease.ReservedTime;
        Raise(_reserved + 1);
    }

    /// <summary>Gives out a time stamp.</summary>
    /// <param name="lease">The lease that is held.</param>
    /// <param name="last">One that it must be above, the receiver's last.</param>
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

    /// <summary>From now on all time stamps are higher than this one.</summary>
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
