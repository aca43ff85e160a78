namespace ZeroTier.Controller;

/// <summary>The right to speak to members, which one process at a time has. Disposing gives it back.</summary>
public interface IControllerLease : IAsyncDisposable
{
    /// <summary>
    /// Cancelled once another process may have the right: from then on nothing may be signed. Never cancelled where the store has one user.
    /// </summary>
    CancellationToken Lost { get; }

    /// <summary>
    /// The time stamp, in milliseconds since 1970, up to which an earlier holder may have signed; 0 where there was none.
    /// </summary>
    long ReservedTime { get; }

    /// <summary>Reserves time stamps before they are used, so that they grow over restarts and takeovers whatever the clock says.</summary>
    /// <param name="milliseconds">The last time stamp that may be used until the next call.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The lease is lost.</exception>
    Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken);
}
