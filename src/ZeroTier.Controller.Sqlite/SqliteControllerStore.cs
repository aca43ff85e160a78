using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Data.Sqlite;

namespace ZeroTier.Controller.Sqlite;

/// <summary>
/// A store of networks and members in a SQLite file, for one process at a time. Acknowledged changes survive a crash of the process and of
/// the machine. Keeps the last 100,000 entries of the audit trail. The file and its write-ahead log (<c>-wal</c>) are readable by their
/// owner only, because they contain join tokens. Thread-safe.
/// </summary>
public sealed class SqliteControllerStore : IControllerStore
{
    private const int MaxAuditEntries = 100_000;
    private const int PageSize = 1000;
    private const int ForeignKeyViolation = 787;

    private readonly SqliteDatabase _database;

    /// <summary>Creates a store; <see cref="OpenAsync"/> opens the file.</summary>
    /// <param name="path">The file, on a local disk; created if missing. Its folder must exist and be writable, since the log is created in
    /// it.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public SqliteControllerStore(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _database = new SqliteDatabase(path);
    }

    /// <inheritdoc />
    /// <exception cref="InvalidDataException">The file is damaged; the message gives the remedy.</exception>
    /// <exception cref="IOException">The file cannot be read or written; the message gives the reason.</exception>
    public Task OpenAsync(CancellationToken cancellationToken) => _database.OpenAsync(cancellationToken);

    /// <summary>
    /// Writes a copy of the store while it is in use; changes wait until it is finished. The copy is a complete store: to restore it, stop
    /// the controller, replace the file by the copy, and delete the old <c>-wal</c> file.
    /// </summary>
    /// <param name="path">The file to create, readable by its owner only. It appears under this name only when it is complete.</param>
    /// <param name="cancellationToken">Cancels waiting for the store, but not a copy in progress.</param>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public Task BackupAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return _database.BackupAsync(path, cancellationToken);
    }

    /// <inheritdoc />
    public IAsyncEnumerable<ControllerNetwork> LoadNetworksAsync(CancellationToken cancellationToken) =>
        LoadAsync("network", static record => ControllerJson.ReadNetwork(record), cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ControllerMember> LoadMembersAsync(CancellationToken cancellationToken) =>
        LoadAsync("member", static record => ControllerJson.ReadMember(record), cancellationToken);

    /// <inheritdoc />
    public Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentNullException.ThrowIfNull(audit);
        return _database.RunAsync(
            connection =>
            {
                using SqliteTransaction transaction = connection.BeginTransaction();
                foreach (StoreChange change in changes)
                {
                    Apply(connection, change);
                }

                foreach (AuditEntry entry in audit)
                {
                    Add(connection, entry);
                }

                if (audit.Count > 0)
                {
                    connection.Write("DELETE FROM audit WHERE id <= last_insert_rowid() - @kept", ("@kept", MaxAuditEntries));
                }

                transaction.Commit();
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IControllerLease> AcquireAsync(CancellationToken cancellationToken)
    {
        long reserved = await _database.RunAsync(
            static c => c.Read<long>("SELECT reserved_time FROM clock"), cancellationToken).ConfigureAwait(false);
        return new Lease(_database, reserved);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<AuditEntry> ReadAuditAsync(AuditQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        foreach (AuditEntry entry in await _database.RunAsync(
            connection => Read(connection, query), cancellationToken).ConfigureAwait(false))
        {
            yield return entry;
        }
    }

    /// <summary>Closes the file, after changes in progress have been written.</summary>
    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private static void Apply(SqliteConnection connection, StoreChange change)
    {
        string network = change.NetworkId.ToString();
        long expected = change.ExpectedRevision;
        int written;
        try
        {
            written = change switch
            {
                NetworkWrite write => connection.Write(
                    expected == 0
                        ? "INSERT INTO network (id, revision, record) VALUES (@id, @revision, @record) ON CONFLICT DO NOTHING"
                        : "UPDATE network SET revision = @revision, record = @record WHERE id = @id AND revision = @expected",
                    ("@id", network),
                    ("@revision", write.Network.Revision),
                    ("@record", Text(ControllerJson.Write(write.Network))),
                    ("@expected", expected)),
                NetworkRemoval =>
                    connection.Write(
                        "DELETE FROM network WHERE id = @id AND revision = @expected", ("@id", network), ("@expected", expected)),
                MemberWrite write => connection.Write(
                    expected == 0
                        ? "INSERT INTO member (network, node, revision, record) VALUES (@network, @node, @revision, @record) ON "
                            + "CONFLICT DO NOTHING"
                        : "UPDATE member SET revision = @revision, record = @record WHERE network = @network AND node = @node AND "
                            + "revision = @expected",
                    ("@network", network), ("@node", write.Member.Node.ToString()), ("@revision", write.Member.Revision),
                    ("@record", Text(ControllerJson.Write(write.Member))), ("@expected", expected)),
                MemberRemoval removal => connection.Write(
                    "DELETE FROM member WHERE network = @network AND node = @node AND revision = @expected",
                    ("@network", network), ("@node", removal.Node.ToString()), ("@expected", expected)),
                _ => throw new ArgumentException($"A change of type {change.GetType()} is unknown.", nameof(change)),
            };
        }
        catch (SqliteException e) when (e.SqliteExtendedErrorCode == ForeignKeyViolation)
        {
            throw new StoreConflictException($"Network {network} does not exist; its member cannot be written.", e);
        }

        if (written == 0)
        {
            throw new StoreConflictException(change, FindRevision(connection, change));
        }
    }

    private static long FindRevision(SqliteConnection connection, StoreChange change)
    {
        NodeId? node = change switch
        {
            MemberWrite write => write.Member.Node,
            MemberRemoval removal => removal.Node,
            _ => null,
        };
        return node is null
            ? connection.Read<long>("SELECT revision FROM network WHERE id = @id", ("@id", change.NetworkId.ToString()))
            : connection.Read<long>(
                "SELECT revision FROM member WHERE network = @network AND node = @node",
                ("@network", change.NetworkId.ToString()),
                ("@node", node.ToString()));
    }

    private static void Add(SqliteConnection connection, AuditEntry entry) => connection.Write(
        "INSERT INTO audit (time, actor, action, network, member, detail) VALUES (@time, @actor, @action, @network, @member, @detail)",
        ("@time", entry.Time.ToUnixTimeMilliseconds()), ("@actor", entry.Actor.Name), ("@action", entry.Action),
        ("@network", entry.Network.ToString()), ("@member", entry.Member?.ToString()), ("@detail", entry.Detail));

    private static List<AuditEntry> Read(SqliteConnection connection, AuditQuery query)
    {
        using SqliteCommand command = connection.Command(
            """
            SELECT id, time, actor, action, network, member, detail FROM audit
            WHERE (@network IS NULL OR network = @network) AND (@member IS NULL OR member = @member) AND (@before IS NULL OR id < @before)
            ORDER BY id DESC LIMIT @limit
            """,
            ("@network", query.Network?.ToString()),
            ("@member", query.Member?.ToString()),
            ("@before", query.Before),
            ("@limit", query.Limit));
        using SqliteDataReader reader = command.ExecuteReader();
        var entries = new List<AuditEntry>();
        while (reader.Read())
        {
            entries.Add(new AuditEntry
            {
                Id = reader.GetInt64(0),
                Time = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)),
                Actor = new Actor(reader.GetString(2)),
                Action = reader.GetString(3),
                Network = NetworkId.Parse(reader.GetString(4)),
                Member = reader.IsDBNull(5) ? null : NodeId.Parse(reader.GetString(5)),
                Detail = reader.GetString(6),
            });
        }

        return entries;
    }

    // In pages, so that other calls can use the connection in between. Row IDs do not change when rows are updated.
    private async IAsyncEnumerable<T> LoadAsync<T>(
        string table, Func<byte[], T> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long last = long.MinValue;
        List<(long Row, string Record)> page;
        do
        {
            page = await _database.RunAsync(connection => ReadPage(connection, table, last), cancellationToken).ConfigureAwait(false);
            foreach ((long row, string record) in page)
            {
                last = row;
                yield return read(Encoding.UTF8.GetBytes(record));
            }
        }
        while (page.Count == PageSize);
    }

    private static List<(long Row, string Record)> ReadPage(SqliteConnection connection, string table, long after)
    {
        using SqliteCommand command = connection.Command(
            $"SELECT rowid, record FROM {table} WHERE rowid > @after ORDER BY rowid LIMIT @limit", ("@after", after), ("@limit", PageSize));
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<(long, string)>();
        while (reader.Read())
        {
            rows.Add((reader.GetInt64(0), reader.GetString(1)));
        }

        return rows;
    }

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);

    /// <summary>The process that has the file open holds the lease.</summary>
    private sealed class Lease(SqliteDatabase database, long reservedTime) : IControllerLease
    {
        public CancellationToken Lost => CancellationToken.None;

        public long ReservedTime => reservedTime;

        public Task ReserveTimeAsync(long milliseconds, CancellationToken cancellationToken) => database.RunAsync(
            c => c.Write("UPDATE clock SET reserved_time = max(reserved_time, @time)", ("@time", milliseconds)), cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
