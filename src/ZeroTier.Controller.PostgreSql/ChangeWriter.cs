using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>
/// Writes changes. All writers of the database are serialised by a row lock on the change counter, so that changes are numbered in commit
/// order: a reader that has read up to a number has missed none below it. Thread-safe.
/// </summary>
internal sealed class ChangeWriter(NpgsqlDataSource database, ChangePosition seen)
{
    public const string Channel = "ztkestrel_change";

    private const int MaxAuditEntries = 100_000;

    /// <summary>The number of changes that are kept; a process that falls further behind must be restarted.</summary>
    private const int MaxChanges = 100_000;

    private readonly SemaphoreSlim _gate = new(1, 1);

    // Guarded by the gate: numbers of own changes that may or may not have been committed, because the connection was lost during the
    // commit.
    private readonly HashSet<long> _uncertain = [];
    private long _writer;
    private volatile bool _isWatched;

    /// <summary>The ID of this process as a writer, stored with its changes.</summary>
    public long Writer => Volatile.Read(ref _writer);

    public void Begin(long writer) => Volatile.Write(ref _writer, writer);

    /// <summary>From now on, unprocessed changes of other processes are checked for conflicts.</summary>
    public void BeginWatch() => _isWatched = true;

    /// <summary>Whether a change of this process must be reported by the watch, too, because its commit appeared to fail.</summary>
    public async Task<bool> TakeUncertainAsync(long number, CancellationToken cancellationToken)
    {
        // Wait for a write in progress, which may add to the set.
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool found = _uncertain.Remove(number);
        _gate.Release();
        return found;
    }

    public async Task WriteAsync(IReadOnlyList<StoreChange> changes, IReadOnlyList<AuditEntry> audit, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            NpgsqlConnection connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                await using (transaction.ConfigureAwait(false))
                {
                    long last = await connection.ReadAsync<long>(
                        "UPDATE change_counter SET last_number = last_number + $1 RETURNING last_number",
                        cancellationToken,
                        (long)changes.Count).ConfigureAwait(false);
                    ChangeRow[] rows = [.. changes.Select(ChangeRow.From)];
                    await RequireSeenAsync(connection, rows, cancellationToken).ConfigureAwait(false);
                    await ApplyAsync(connection, changes, rows, audit, last, cancellationToken).ConfigureAwait(false);
                    await CommitAsync(transaction, last, changes.Count).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task CommitAsync(NpgsqlTransaction transaction, long last, int count)
    {
        IEnumerable<long> numbers = Enumerable.Range(1, count).Select(i => last - count + i);
        try
        {
            // Not cancellable, since the result would then be uncertain.
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            _uncertain.ExceptWith(numbers);
        }
        catch
        {
            _uncertain.UnionWith(numbers);
            throw;
        }
    }

    private async Task RequireSeenAsync(NpgsqlConnection connection, ChangeRow[] rows, CancellationToken cancellationToken)
    {
        if (!_isWatched || rows.Length == 0)
        {
            return;
        }

        NpgsqlCommand command = connection.Command(
            "SELECT network, node, record IS NULL FROM change WHERE number > $1 AND writer <> $2 ORDER BY number", seen.Number, Writer);
        await using (command.ConfigureAwait(false))
        {
            NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    var other = new ChangeRow(
                        reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), 0, 0, reader.GetBoolean(2) ? null : "");
                    if (Array.Exists(rows, r => r.DependsOn(other)))
                    {
                        throw new StoreConflictException(
                            $"Another controller has just changed {(other.Node is { } node ? $"member {node} of " : "")}network "
                            + $"{other.Network}, on which " +
                            "this change depends. Read it again.");
                    }
                }
            }
        }
    }

    private async Task ApplyAsync(
        NpgsqlConnection connection,
        IReadOnlyList<StoreChange> changes,
        ChangeRow[] rows,
        IReadOnlyList<AuditEntry> audit,
        long last,
        CancellationToken cancellationToken)
    {
        NpgsqlBatch batch = connection.CreateBatch();
        await using (batch.ConfigureAwait(false))
        {
            long number = last - rows.Length;
            foreach (ChangeRow row in rows)
            {
                batch.BatchCommands.Add(Apply(row));
                batch.BatchCommands.Add(Log(row, ++number));
            }

            foreach (AuditEntry entry in audit)
            {
                batch.BatchCommands.Add(Add(entry));
            }

            batch.BatchCommands.Add(Command("DELETE FROM change WHERE number <= $1", last - MaxChanges));
            batch.BatchCommands.Add(Command("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - $1", (long)MaxAuditEntries));
            batch.BatchCommands.Add(Command($"NOTIFY {Channel}"));
            try
            {
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
            {
                throw new StoreConflictException($"A network does not exist, so its member cannot be written: {e.Detail}", e);
            }

            for (int i = 0; i < rows.Length; i++)
            {
                if (batch.BatchCommands[2 * i].RecordsAffected != 1)
                {
                    throw new StoreConflictException(
                        changes[i], await FindRevisionAsync(connection, rows, i, cancellationToken).ConfigureAwait(false));
                }
            }
        }
    }

    // The whole batch has been executed; if an earlier change in it concerns the same record, the revision found was that change's.
    private static async Task<long> FindRevisionAsync(
        NpgsqlConnection connection, ChangeRow[] rows, int index, CancellationToken cancellationToken)
    {
        ChangeRow row = rows[index];
        int earlier = Array.FindLastIndex(rows, Math.Max(index - 1, 0), index, r => r.Network == row.Network && r.Node == row.Node);
        if (earlier >= 0)
        {
            return rows[earlier].Revision;
        }

        Task<long> reading = row.Node is { } node
            ? connection.ReadAsync<long>(
                "SELECT revision FROM member WHERE network = $1 AND node = $2", cancellationToken, row.Network, node)
            : connection.ReadAsync<long>("SELECT revision FROM network WHERE id = $1", cancellationToken, row.Network);
        return await reading.ConfigureAwait(false);
    }

    private static NpgsqlBatchCommand Apply(ChangeRow row) => row switch
    {
        { Node: null, Record: null } => Command("DELETE FROM network WHERE id = $1 AND revision = $2", row.Network, row.ExpectedRevision),
        { Record: null } =>
            Command("DELETE FROM member WHERE network = $1 AND node = $2 AND revision = $3", row.Network, row.Node!, row.ExpectedRevision),
        { Node: null, ExpectedRevision: 0 } => Command(
            "INSERT INTO network (id, revision, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            row.Network,
            row.Revision,
            Json(row.Record)),
        { Node: null } => Command(
            "UPDATE network SET revision = $2, record = $3 WHERE id = $1 AND revision = $4",
            row.Network,
            row.Revision,
            Json(row.Record),
            row.ExpectedRevision),
        { ExpectedRevision: 0 } => Command(
            "INSERT INTO member (network, node, revision, record) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            row.Network, row.Node, row.Revision, Json(row.Record)),
        _ => Command(
            "UPDATE member SET revision = $3, record = $4 WHERE network = $1 AND node = $2 AND revision = $5",
            row.Network, row.Node, row.Revision, Json(row.Record), row.ExpectedRevision),
    };

    private NpgsqlBatchCommand Log(ChangeRow row, long number) => Command(
        "INSERT INTO change (number, writer, network, node, expected_revision, record) VALUES ($1, $2, $3, $4, $5, $6)",
        number, Writer, row.Network, Nullable(row.Node), row.ExpectedRevision, Json(row.Record));

    private static NpgsqlBatchCommand Add(AuditEntry entry) => Command(
        "INSERT INTO audit (time, actor, action, network, member, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        entry.Time.UtcDateTime,
        Text(entry.Actor.Name),
        Text(entry.Action),
        entry.Network.ToString(),
        Nullable(entry.Member?.ToString()),
        Text(entry.Detail));

    private static NpgsqlBatchCommand Command(string sql, params object[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (object parameter in parameters)
        {
            command.Parameters.Add(parameter as NpgsqlParameter ?? new NpgsqlParameter { Value = parameter });
        }

        return command;
    }

    private static NpgsqlParameter Json(string? record) =>
        new() { Value = record ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Json };

    private static NpgsqlParameter Nullable(string? text) =>
        new() { Value = text ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    // Replaces NUL, which PostgreSQL's text cannot contain, and unpaired surrogates, which are not valid UTF-8.
    private static string Text(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\ufffd');
}
