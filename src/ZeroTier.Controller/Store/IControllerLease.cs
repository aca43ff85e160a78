namespace ZeroTier.Controller;

/// <summary>The exclusive right to serve members, held by one process at a time. Disposing releases it.</summary>
public interface IControllerLease : IAsyncDisposable
{
    /// <summary>
    /// Cancelled when another process may hold the lease: nothing may be signed after that. Never cancelled by stores for a single process.
    /// </summary>
    CancellationToken Lost { get; }

    /// <summary>The highest timestamp, in milliseconds since 1970, that an earlier holder may have used; 0 when there was none.</summary>
    long ReservedTime { get; }

    /// <summary>
    /// Reserves timestamps before they are used, so that they increase across restarts and takeovers whatever the system clock shows.
    /// </summary>
    /// <param name="milliseconds">The highest timestamp that may be used until the next call.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The lease is lost.</exception>
    Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken);
}
