using Npgsql;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>
/// The lease, implemented by an advisory lock in a dedicated session, and an epoch that each holder increments. Two rules prevent two
/// holders at a time: a holder relies on the lock only for <see cref="Validity"/> after its last successful query; and a process that
/// acquires a lock that was not released in order waits for <see cref="Grace"/>, which is longer. If a process is suspended and resumes
/// after that, its timestamps are lower than its successor's, and it cannot reserve more. Thread-safe.
/// </summary>
internal sealed class PostgreSqlLease : IControllerLease
{
    /// <summary>The idle session timeout on the server, in milliseconds: longer than <see cref="Validity"/>.</summary>
    private const int SessionTimeout = 2000;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Validity = TimeSpan.FromMilliseconds(1500);
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(2000);

    private readonly NpgsqlConnection _session;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _lost = new();
    private readonly ITimer _expiry;
    private readonly Task _heartbeat;
    private long _lastAnswered;

    // Set after the grace period: no other process can consider itself the holder.
    private bool _isAlone;

    private PostgreSqlLease(NpgsqlConnection session, TimeProvider time, long asked, long epoch, long reservedTime)
    {
        _session = session;
        _time = time;
        _epoch = epoch;
        _lastAnswered = asked;
        ReservedTime = reservedTime;
        _expiry = time.CreateTimer(static lease => ((PostgreSqlLease)lease!).CheckExpiry(), this, Validity, Timeout.InfiniteTimeSpan);
        _heartbeat = BeatAsync();
    }

    /// <summary>Also checks the clock, because the timer may fire too late after the process was suspended.</summary>
    public CancellationToken Lost
    {
        get
        {
            if (TimeLeft <= TimeSpan.Zero)
            {
                Lose();
            }

            return _lost.Token;
        }
    }

    public long ReservedTime { get; }

    private TimeSpan TimeLeft => Validity - _time.GetElapsedTime(Volatile.Read(ref _lastAnswered));

    /// <summary>Waits for the lock, and until no other process can consider itself the holder.</summary>
    public static async Task<PostgreSqlLease> AcquireAsync(
        NpgsqlDataSource sessions, TimeProvider time, CancellationToken cancellationToken)
    {
        NpgsqlConnection session = await sessions.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        PostgreSqlLease? lease = null;
        try
        {
            // The server ends the session, and so releases the lock, when the holder's machine has failed.
            await session.WriteAsync($"SET idle_session_timeout = {SessionTimeout}", cancellationToken).ConfigureAwait(false);
            long asked = time.GetTimestamp();
            while (!await session.ReadAsync<bool>(
                "SELECT pg_try_advisory_lock(hashtextextended('ZtKestrel lease ' || current_schema(), 0))",
                cancellationToken).ConfigureAwait(false))
            {
                await Task.Delay(PollInterval, time, cancellationToken).ConfigureAwait(false);
                asked = time.GetTimestamp();
            }

            // With the new epoch, earlier holders can no longer reserve timestamps.
            bool isReleased = await session.ReadAsync<bool>("SELECT is_released FROM lease", cancellationToken).ConfigureAwait(false);
            (long epoch, long reservedTime) = await BeginEpochAsync(session, cancellationToken).ConfigureAwait(false);
            lease = new PostgreSqlLease(session, time, asked, epoch, reservedTime);
            if (!isReleased)
            {
                await Task.Delay(Grace, time, cancellationToken).ConfigureAwait(false);
            }

            lease._isAlone = true;
            return lease;
        }
        catch
        {
            await (lease?.DisposeAsync() ?? session.DisposeAsync()).ConfigureAwait(false);
            throw;
        }
    }

    public async Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken)
    {
        try
        {
            int reserved = await AskAsync(
                () => _session.WriteAsync(
                    "UPDATE lease SET reserved_time = greatest(reserved_time, $1) WHERE epoch = $2",
                    CancellationToken.None,
                    milliseconds,
                    _epoch),
                cancellationToken).ConfigureAwait(false);
            if (reserved == 1)
            {
                return;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Lose();
            throw NotHeld(e);
        }

        Lose();
        throw NotHeld(null);
    }

    public async ValueTask DisposeAsync()
    {
        bool wasHeld = _isAlone && !Lost.IsCancellationRequested;
        Lose();
        await _expiry.DisposeAsync().ConfigureAwait(false);
        await _heartbeat.ConfigureAwait(false);

        // Bounded, so that a server that does not answer cannot delay the next attempt.
        Task closing = CloseAsync(wasHeld);
        if (wasHeld)
        {
            await closing.WaitAsync(Grace, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<(long Epoch, long ReservedTime)> BeginEpochAsync(
        NpgsqlConnection session, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = session.Command("UPDATE lease SET epoch = epoch + 1, is_released = false RETURNING epoch, reserved_time");
        await using (command.ConfigureAwait(false))
        {
            NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                    ? (reader.GetInt64(0), reader.GetInt64(1))
                    : throw new InvalidOperationException(
                        "The table 'lease' of the controller's database is empty. Restore the database from a backup.");
            }
        }
    }

    private async Task BeatAsync()
    {
        try
        {
            do
            {
                await Task.Delay(HeartbeatInterval, _time, _lost.Token).ConfigureAwait(false);
            }
            while (await AskAsync(ReadEpochAsync, _lost.Token).ConfigureAwait(false) == _epoch);
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException or InvalidOperationException or IOException)
        {
            // The session is lost, and with it the lock.
        }

        Lose();
    }

    private Task<long> ReadEpochAsync() => _session.ReadAsync<long>("SELECT epoch FROM lease", CancellationToken.None);

    /// <summary>Runs a query; an answer proves that the lock was held when the query was sent.</summary>
    private Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken) =>
        InTurnAsync(
            async () =>
            {
                long asked = _time.GetTimestamp();
                T answer = await ask().ConfigureAwait(false);
                Volatile.Write(ref _lastAnswered, asked);
                return answer;
            })
            .WaitAsync(_lost.Token)
            .WaitAsync(cancellationToken);

    // Not cancellable: cancelling a command needs another request to the server, which may be the one that does not answer.
    private async Task<T> InTurnAsync<T>(Func<Task<T>> use)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            return await use().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private Task CloseAsync(bool releases) => InTurnAsync(async () =>
    {
        try
        {
            if (releases)
            {
                await _session.WriteAsync(
                    "UPDATE lease SET is_released = true WHERE epoch = $1", CancellationToken.None, _epoch).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The next holder waits for the grace period, as after a crash.
        }

        await _session.DisposeAsync().ConfigureAwait(false);
        return true;
    });

    private void CheckExpiry()
    {
        TimeSpan left = TimeLeft;
        if (left <= TimeSpan.Zero)
        {
            Lose();
        }
        else
        {
            _expiry.Change(left, Timeout.InfiniteTimeSpan);
        }
    }

    // Asynchronous, so that callbacks do not run here; the token is cancelled at once.
    private void Lose() => _ = _lost.CancelAsync();

    private static InvalidOperationException NotHeld(Exception? cause) => new(
        "This controller has lost its lease, so no time stamps can be reserved: the database did not answer in time, or " +
        "another controller has taken over. It goes on when it gets the lease again.",
        cause);
}
