using System.Globalization;
using Microsoft.Data.Sqlite;

namespace ZeroTier.Controller.Sqlite;

/// <summary>Shorthands for SQL commands. SQLite's calls block, so use them within <see cref="SqliteDatabase.RunAsync"/>.</summary>
internal static class SqliteCommands
{
    /// <summary>Creates a command, which runs in the connection's transaction if there is one.</summary>
    public static SqliteCommand Command(
        this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object? value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    /// <summary>Executes a statement; returns the number of changed rows.</summary>
    public static int Write(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = connection.Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>Executes a query; returns its first value, or the default when there is none.</summary>
    public static T? Read<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = connection.Command(sql, parameters);
        return command.ExecuteScalar() is { } value and not DBNull
            ? (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture)
            : default;
    }
}
