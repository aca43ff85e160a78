using Npgsql;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Controller.Sqlite;

namespace ZeroTier.Controller.Server;

/// <summary>Where networks and members are kept.</summary>
/// <param name="Home">The storage folder.</param>
/// <param name="PostgreSql">A connection string; null for a SQLite file in the folder.</param>
internal sealed record StoreSettings(string Home, string? PostgreSql)
{
    private const string FileName = "controller.db";

    /// <summary>Makes the store, which it does not open.</summary>
    /// <exception cref="FormatException">The connection string is malformed, or holds a password.</exception>
    public IControllerStore Create()
    {
        if (PostgreSql is null)
        {
            return new SqliteControllerStore(Path.Combine(Home, FileName));
        }

        try
        {
            // Every user of the machine sees arguments (ps), and shells keep them.
            return new NpgsqlConnectionStringBuilder(PostgreSql).Password is null
                ? new PostgreSqlControllerStore(PostgreSql)
                : throw new FormatException(
                    "--postgresql holds a password, which every user of this machine can see. Leave it out, and put it into the "
                    + "environment variable PGPASSWORD, or into a file that PGPASSFILE names.");
        }
        catch (ArgumentException exception)
        {
            throw new FormatException(
                $"--postgresql is not as Npgsql takes it: {exception.Message} Expected, for example, "
                + "\"Host=db.example;Database=zerotier;Username=controller;SSL Mode=VerifyFull\".",
                exception);
        }
    }
}
