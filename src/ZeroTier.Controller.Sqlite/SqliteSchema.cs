using Microsoft.Data.Sqlite;

namespace ZeroTier.Controller.Sqlite;

/// <summary>The schema and its migrations: each step migrates to the next version. A released step is never changed.</summary>
internal static class SqliteSchema
{
    // "ZtKC": marks the database as one of this program.
    private const long ApplicationId = 0x5a74_4b43;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE network (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL);
        CREATE TABLE member (
            network TEXT NOT NULL REFERENCES network (id) ON DELETE CASCADE,
            node TEXT NOT NULL,
            revision INTEGER NOT NULL,
            record TEXT NOT NULL,
            PRIMARY KEY (network, node));
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            network TEXT NOT NULL,
            member TEXT,
            detail TEXT NOT NULL);
        CREATE INDEX audit_of_network ON audit (network, id);
        CREATE TABLE clock (reserved_time INTEGER NOT NULL);
        INSERT INTO clock VALUES (0);
        """,
    ];

    public static void Update(SqliteConnection connection, string path)
    {
        long version = connection.Read<long>("PRAGMA user_version");
        bool isNew = version == 0 && connection.Read<long>("SELECT count(*) FROM sqlite_schema") == 0;
        if (!isNew && connection.Read<long>("PRAGMA application_id") != ApplicationId)
        {
            throw new InvalidOperationException(
                $"{path} is the SQLite database of another program. Give the controller's store a path of its own.");
        }

        if (version > Steps.Length)
        {
            throw new InvalidOperationException(
                $"{path} was written by a newer version of ZtKestrel.Controller.Sqlite: its schema has version {version}, and " +
                $"this one knows versions up to {Steps.Length}. Install that version again, or restore a backup that was made before.");
        }

        for (; version < Steps.Length; version++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            connection.Write($"{Steps[version]} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {version + 1};");
            transaction.Commit();
        }
    }
}
