using System.Globalization;
using Microsoft.Data.Sqlite;

namespace ZeroTier.Controller.Sqlite;

/// <summary>One statement in a line. SQLite's calls block: for use within <see cref="SqliteDatabase.RunAsync"/>.</summary>
internal static class SqliteCommands
{
    /// <summary>A command, in the transaction of the connection if there is one.</summary>
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

    /// <summary>Executes it, and says how many rows it has changed.</summary>
    public static int Write(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = connection.Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>Its first value; the default where there is none.</summary>
    public static T? Read<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = connection.Command(sql, parameters);
        return command.ExecuteScalar() is { } value and not DBNull
            ? (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture)
            : default;
    }
}
