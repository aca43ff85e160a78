using Npgsql;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>Shorthands for SQL commands; parameters are $1, $2, … in order.</summary>
internal static class PostgreSqlCommands
{
    public static async Task<int> WriteAsync(
        this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        NpgsqlCommand command = connection.Command(sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Executes a query; returns its first value, or the default when there is none.</summary>
    public static async Task<T?> ReadAsync<T>(
        this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        NpgsqlCommand command = connection.Command(sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is T value ? value : default;
        }
    }

    public static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, params object[] parameters)
    {
        NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (object parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }
}
