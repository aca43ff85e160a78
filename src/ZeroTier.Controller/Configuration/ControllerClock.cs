namespace ZeroTier.Controller.Configuration;

/// <summary>
/// The time stamps of configurations, credentials and revocations. Members order them, so they grow whatever the system's clock does, and over restarts and
/// takeovers: each is reserved in the store before it is used, in steps. Used by one thread at a time.
/// </summary>
internal sealed class ControllerClock(TimeProvider time)
{
    // How far a restart may set the clock ahead; each step costs a write.
    private const long Step = 30_000;

    private long _floor;
    private long _reserved;

    /// <summary>A lease was acquired: what its earlier holders have reserved may have been used.</summary>
    public void Begin(IControllerLease lease) => _floor = _reserved = lease.ReservedTime;

    /// <summary>A time stamp above another one, and above all of earlier leases.</summary>
    public ulong After(ulong last) => (ulong)Math.Max(Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), _floor + 1), (long)last + 1);

    /// <summary>Makes sure that a time stamp may be used.</summary>
    public async ValueTask ReserveAsync(IControllerLease lease, ulong timestamp, CancellationToken cancellationToken)
    {
        if ((long)timestamp > _reserved)
        {
            long reserved = (long)timestamp + Step;
            await lease.ReserveTimeAsync(reserved, cancellationToken).ConfigureAwait(false);
            _reserved = reserved;
        }
    }

    /// <summary>From now on all time stamps are higher than this one.</summary>
    public void Raise(ulong timestamp) => _floor = Math.Max(_floor, (long)timestamp);
}
