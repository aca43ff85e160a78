using System.Runtime.CompilerServices;
using Npgsql;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>
/// Reads changes written by other processes. A notification (LISTEN/NOTIFY) only wakes the reader; it then reads the changes by their
/// numbers, so that none are missed when the connection is lost.
/// </summary>
internal sealed class ChangeReader(NpgsqlDataSource sessions, ChangePosition seen, ChangeWriter writer)
{
    private const int PageSize = 100;

    // Polls at this interval, in case a notification was lost because the connection died silently.
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    public async IAsyncEnumerable<StoreChange> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        writer.BeginWatch();
        NpgsqlConnection connection = await sessions.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            // LISTEN before the first read, so that no change is missed in between.
            await connection.WriteAsync($"LISTEN {ChangeWriter.Channel}", cancellationToken).ConfigureAwait(false);
            while (true)
            {
                List<(long Number, long Writer, ChangeRow Row)> page = await ReadPageAsync(
                    connection, cancellationToken).ConfigureAwait(false);
                foreach ((long number, long changeWriter, ChangeRow row) in page)
                {
                    if (number != seen.Number + 1)
                    {
                        throw new InvalidOperationException(
                            $"This controller is too far behind: it has seen changes up to {seen.Number}, and the database keeps those "
                            + $"from {number} on. " +
                            "Restart the process.");
                    }

                    if (changeWriter != writer.Writer || await writer.TakeUncertainAsync(number, cancellationToken).ConfigureAwait(false))
                    {
                        yield return row.ToChange();
                    }

                    // The consumer has processed this change when it requests the next one.
                    seen.MoveTo(number);
                }

                if (page.Count == 0)
                {
                    await connection.WaitAsync(PollInterval, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task<List<(long Number, long Writer, ChangeRow Row)>> ReadPageAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = new List<(long, long, ChangeRow)>();
        NpgsqlCommand command = connection.Command(
            "SELECT number, writer, network, node, expected_revision, record FROM change WHERE number > $1 ORDER BY number LIMIT $2",
            seen.Number,
            (long)PageSize);
        await using (command.ConfigureAwait(false))
        {
            NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    string? node = reader.IsDBNull(3) ? null : reader.GetString(3),
                        record = reader.IsDBNull(5) ? null : reader.GetString(5);
                    rows.Add(
                        (reader.GetInt64(0), reader.GetInt64(1), new ChangeRow(reader.GetString(2), node, reader.GetInt64(4), 0, record)));
                }
            }
        }

        return rows;
    }
}
