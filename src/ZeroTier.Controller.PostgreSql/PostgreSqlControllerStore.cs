using System.Runtime.CompilerServices;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>
/// A store of networks and members in a PostgreSQL database, which controllers on several machines can share: all can read and write; one
/// holds the lease and serves members, and another takes over within five seconds when it fails. Keeps the last 100,000 entries of the
/// audit trail. Thread-safe.
/// </summary>
/// <remarks>
/// Needs PostgreSQL 14 or newer and dedicated sessions: connect directly to the server, not through a connection pooler that shares
/// sessions. The tables are in the schema given as <c>Search Path</c> in the connection string; default <c>ztkestrel</c>. A process that
/// has missed more than 100,000 changes while disconnected must be restarted.
/// </remarks>
public sealed class PostgreSqlControllerStore : IControllerStore
{
    private const string DefaultSchema = "ztkestrel";

    // In seconds: after this time without an answer a session is closed, and another one opened.
    private const int SessionCommandTimeout = 5;

    // A process that cannot read changes must not keep the lease from one that can.
    private static readonly TimeSpan CatchUpLimit = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly string _schema;
    private readonly NpgsqlDataSource _database;

    // For long-lived sessions, not pooled: closing the connection must end the session on the server and release its lock.
    private readonly NpgsqlDataSource _sessions;
    private readonly ChangePosition _seen = new();
    private readonly ChangeWriter _writer;

    /// <summary>Creates a store; <see cref="OpenAsync"/> connects to the database.</summary>
    /// <param name="connectionString">An Npgsql connection string: <c>Host=db.example;Database=zerotier;Username=controller;SSL
    /// Mode=VerifyFull;Password=…</c>.
    /// </param>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public PostgreSqlControllerStore(string connectionString)
        : this(connectionString, TimeProvider.System)
    {
    }

    /// <summary>Creates a store with another clock, for tests; <see cref="OpenAsync"/> connects to the database.</summary>
    /// <param name="connectionString">An Npgsql connection string.</param>
    /// <param name="timeProvider">The clock for the expiry of the lease.</param>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public PostgreSqlControllerStore(string connectionString, TimeProvider timeProvider)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        ArgumentNullException.ThrowIfNull(timeProvider);
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Enlist = false };
        _time = timeProvider;
        _schema = string.IsNullOrWhiteSpace(settings.SearchPath) ? DefaultSchema : settings.SearchPath;
        if (_schema.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789_"))
        {
            throw new ArgumentException(
                $"Search Path is '{_schema}'; it must be the name of one schema, in small letters, digits and _, for example "
                + $"{DefaultSchema}.",
                nameof(connectionString));
        }

        settings.SearchPath = _schema;
        settings.ApplicationName ??= "ZtKestrel controller";
        _database = Build(settings);
        settings.Pooling = false;
        settings.CommandTimeout = Math.Min(settings.CommandTimeout, SessionCommandTimeout);
        _sessions = Build(settings);
        _writer = new ChangeWriter(_database, _seen);
    }

    /// <inheritdoc />
    /// <exception cref="NpgsqlException">The server does not answer, or refuses the user.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await _database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await PostgreSqlSchema.UpdateAsync(connection, _schema, cancellationToken).ConfigureAwait(false);
            _writer.Begin(await connection.ReadAsync<long>("SELECT nextval('writer')", cancellationToken).ConfigureAwait(false));

            // Changes committed after this are in the loaded records, or reported by the watch, or both.
            _seen.MoveTo(
                await connection.ReadAsync<long>("SELECT last_number FROM change_counter", cancellationToken).ConfigureAwait(false));
        }
    }

    /// <inheritdoc />
    public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
        LoadAsync("SELECT record FROM network", static record => ControllerJson.ReadNetwork(record), cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
        LoadAsync("SELECT record FROM member", static record => ControllerJson.ReadMember(record), cancellationToken);

    /// <inheritdoc />
    /// <exception cref="StoreConflictException">Also thrown when another process has changed a record and <see cref="WatchAsync"/> has not
    /// yet reported it.
    /// </exception>
    /// <exception cref="NpgsqlException">The server does not answer. If the connection was lost during the commit, the changes may have
    /// been written; <see cref="WatchAsync"/> then reports them.</exception>
    public Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentNullException.ThrowIfNull(audit);
        return _writer.WriteAsync(changes, audit, cancellationToken);
    }

    /// <summary>
    /// Waits until this process holds the lease, and until the changes that other processes wrote before have been read from
    /// <see cref="WatchAsync"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken)
    {
        PostgreSqlLease lease = await PostgreSqlLease.AcquireAsync(_sessions, _time, cancellationToken).ConfigureAwait(false);
        var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await CatchUpAsync(end.Token).WaitAsync(CatchUpLimit, _time, lease.Lost).ConfigureAwait(false);
            return lease;
        }
        catch (Exception e)
        {
            _ = end.CancelAsync();
            await lease.DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw new InvalidOperationException(
                "The lease was given back, for changes of other controllers could not be read in time. The next attempt follows; if this " +
                "goes on, look at the connection to the database, or restart this process.",
                e);
        }
    }

    /// <inheritdoc />
    public IAsyncEnumerable<StoreChange> WatchAsync(CancellationToken cancellationToken) =>
        new ChangeReader(_sessions, _seen, _writer).ReadAsync(cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        NpgsqlConnection connection = await _database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            NpgsqlCommand command = connection.Command(
                """
                SELECT id, time, actor, action, network, member, detail FROM audit
                WHERE ($1 IS NULL OR network = $1) AND ($2 IS NULL OR member = $2) AND id < $3
                ORDER BY id DESC LIMIT $4
                """);
            await using (command.ConfigureAwait(false))
            {
                command.Parameters.Add(Optional(query.Network?.ToString()));
                command.Parameters.Add(Optional(query.Member?.ToString()));
                command.Parameters.Add(new NpgsqlParameter { Value = query.Before ?? long.MaxValue });
                command.Parameters.Add(new NpgsqlParameter { Value = (long)query.Limit });
                NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        yield return ReadEntry(reader);
                    }
                }
            }
        }
    }

    /// <summary>Closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync().ConfigureAwait(false);
        await _sessions.DisposeAsync().ConfigureAwait(false);
    }

    private static NpgsqlDataSource Build(NpgsqlConnectionStringBuilder settings) =>
        new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).EnableTransportSecurity().Build();

    private static NpgsqlParameter Optional(string? text) =>
        new() { Value = text ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    private static AuditEntry ReadEntry(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetInt64(0),
        Time = reader.GetDateTime(1),
        Actor = new Actor(reader.GetString(2)),
        Action = reader.GetString(3),
        Network = NetworkId.Parse(reader.GetString(4)),
        Member = reader.IsDBNull(5) ? null : NodeId.Parse(reader.GetString(5)),
        Detail = reader.GetString(6),
    };

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        long last;
        NpgsqlConnection connection = await _database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            last = await connection.ReadAsync<long>(
                "SELECT max(number) FROM change WHERE number > $1 AND writer <> $2",
                cancellationToken,
                _seen.Number,
                _writer.Writer).ConfigureAwait(false);
        }

        await _seen.WaitForAsync(last, cancellationToken).ConfigureAwait(false);
    }

    private async IAsyncEnumerable<T> LoadAsync<T>(
        string sql, Func<byte[], T> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await _database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            NpgsqlCommand command = connection.Command(sql);
            await using (command.ConfigureAwait(false))
            {
                NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        yield return read(Encoding.UTF8.GetBytes(reader.GetString(0)));
                    }
                }
            }
        }
    }
}
