using System.Runtime.CompilerServices;
using Npgsql;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>
/// Reads what other processes write: a notification says that there is something, the numbers of changes say what, so that nothing is lost
/// while the connection is.
/// </summary>
internal sealed class ChangeReader(NpgsqlDataSource sessions, ChangePosition seen, ChangeWriter writer)
{
    private const int PageSize = 100;

    // Ends the wait where a notification got lost with a connection that is dead without saying so.
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    public async IAsyncEnumerable<StoreChange> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        writer.BeginWatch();
        NpgsqlConnection connection = await sessions.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            // Before the first reading, so that nothing falls between.
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

                    // Whoever asks for the next one has taken this one in.
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
