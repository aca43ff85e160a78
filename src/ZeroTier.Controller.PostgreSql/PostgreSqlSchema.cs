using Npgsql;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>The schema and its migrations: each step migrates to the next version. A released step is never changed.</summary>
internal static class PostgreSqlSchema
{
    private const int MinServerVersion = 14;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE network (id text PRIMARY KEY, revision bigint NOT NULL, record json NOT NULL);
        CREATE TABLE member (
            network text NOT NULL REFERENCES network (id) ON DELETE CASCADE,
            node text NOT NULL,
            revision bigint NOT NULL,
            record json NOT NULL,
            PRIMARY KEY (network, node));

        -- Every change, numbered without gaps in the order of the commits: whoever writes has the row of change_counter until its commit.
        -- A change of a network has no node, a removal has no record.
        CREATE TABLE change (
            number bigint PRIMARY KEY,
            writer bigint NOT NULL,
            network text NOT NULL,
            node text,
            expected_revision bigint NOT NULL,
            record json);
        CREATE TABLE change_counter (last_number bigint NOT NULL);
        INSERT INTO change_counter VALUES (0);
        CREATE SEQUENCE writer;

        CREATE TABLE lease (epoch bigint NOT NULL, is_released boolean NOT NULL, reserved_time bigint NOT NULL);
        INSERT INTO lease VALUES (0, true, 0);

        CREATE TABLE audit (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            time timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            network text NOT NULL,
            member text,
            detail text NOT NULL);
        CREATE INDEX audit_of_network ON audit (network, id);
        """,
    ];

    /// <summary>Migrates the schema to the current version, excluding other processes by an advisory lock.</summary>
    public static async Task UpdateAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        if (connection.PostgreSqlVersion.Major < MinServerVersion)
        {
            throw new InvalidOperationException(
                $"The PostgreSQL server has version {connection.PostgreSqlVersion}; the controller's store needs {MinServerVersion} or "
                + "newer. Update it.");
        }

        if (await connection.ReadAsync<bool>(
            "SELECT current_setting('synchronous_commit') = 'off' OR current_setting('fsync') = 'off'",
            cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidOperationException(
                "The PostgreSQL server acknowledges changes that are not yet on its disk (synchronous_commit or fsync is off), so a " +
                "controller could forget whom it has put out. Switch both on for this user and database: ALTER ROLE … SET "
                + "synchronous_commit = on.");
        }

        NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await connection.WriteAsync(
                "SELECT pg_advisory_xact_lock(hashtextextended('ZtKestrel schema ' || $1, 0))",
                cancellationToken,
                schema).ConfigureAwait(false);
            if (!await connection.ReadAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", cancellationToken, schema).ConfigureAwait(false))
            {
                await connection.WriteAsync($"CREATE SCHEMA \"{schema}\"", cancellationToken).ConfigureAwait(false);
            }

            if (!await connection.ReadAsync<bool>(
                "SELECT to_regclass('schema_version') IS NOT NULL", cancellationToken).ConfigureAwait(false))
            {
                await connection.WriteAsync(
                    "CREATE TABLE schema_version (version int NOT NULL); INSERT INTO schema_version VALUES (0)",
                    cancellationToken).ConfigureAwait(false);
            }

            int version = await connection.ReadAsync<int>("SELECT version FROM schema_version", cancellationToken).ConfigureAwait(false);
            if (version > Steps.Length)
            {
                throw new InvalidOperationException(
                    $"Schema \"{schema}\" was written by a newer version of ZtKestrel.Controller.PostgreSql: it has version {version}, " +
                    $"and this one knows versions up to {Steps.Length}. Install that version on this machine, too.");
            }

            for (int next = version; next < Steps.Length; next++)
            {
                await connection.WriteAsync(
                    $"{Steps[next]} UPDATE schema_version SET version = {next + 1};", cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
