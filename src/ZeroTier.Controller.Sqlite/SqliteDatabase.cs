using Microsoft.Data.Sqlite;

namespace ZeroTier.Controller.Sqlite;

/// <summary>The only connection to the file, which holds SQLite's exclusive lock while it is open. Used by one caller at a time.</summary>
internal sealed class SqliteDatabase(string path) : IAsyncDisposable
{
    private const int BusyTimeoutSeconds = 1;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // SQLite result codes: https://sqlite.org/rescode.html.
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    private readonly string _path = Path.GetFullPath(path);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private SqliteConnection? _connection;
    private bool _disposed;

    public Task OpenAsync(CancellationToken cancellationToken) => InTurnAsync(
        () =>
        {
            if (_connection is not null)
            {
                throw new InvalidOperationException($"The store {_path} is open. Open it once.");
            }

            _connection = Open();
            return true;
        },
        cancellationToken);

    /// <summary>
    /// Runs code with the connection on the thread pool, because SQLite has no asynchronous calls and callers must not block on the disk.
    /// </summary>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken) => InTurnAsync(
        () => work(_connection ?? throw new InvalidOperationException($"The store {_path} is not open. Call OpenAsync first.")),
        cancellationToken);

    /// <summary>Writes a copy, which appears under its final name when it is complete.</summary>
    public async Task BackupAsync(string target, CancellationToken cancellationToken)
    {
        string full = Path.GetFullPath(target), partial = full + ".partial";
        if (Path.Exists(full))
        {
            throw new IOException($"{full} exists. Choose another name for the backup, or delete the file first.");
        }

        await RunAsync(
            connection =>
            {
                File.Delete(partial);
                CreateForOwner(partial);
                try
                {
                    connection.Write("VACUUM INTO @path", ("@path", partial));
                }
                catch (SqliteException e) when (e.SqliteErrorCode is not Corrupt)
                {
                    File.Delete(partial);
                    throw new IOException($"The backup {full} could not be written; the store itself is unharmed. ({e.Message})", e);
                }

                using (var copy = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
                {
                    copy.Flush(flushToDisk: true);
                }

                File.Move(partial, full);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            _disposed = true;
            SqliteConnection? connection = _connection;
            _connection = null;
            if (connection is not null)
            {
                // On the thread pool, because closing the last connection writes the log back into the file.
                await Task.Run(connection.Dispose).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<T> InTurnAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        catch (SqliteException e)
        {
            throw Explain(e);
        }
        finally
        {
            _gate.Release();
        }
    }

    private SqliteConnection Open()
    {
        // An existing file is never opened here: closing any descriptor of a file would release SQLite's (POSIX) locks that this process
        // may hold on it.
        if (!File.Exists(_path))
        {
            CreateForOwner(_path);
        }
        else if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(_path) & ~OwnerOnly) != 0)
        {
            File.SetUnixFileMode(_path, OwnerOnly);
        }

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = SqliteOpenMode.ReadWrite,
            ForeignKeys = true,
            Pooling = false,
            DefaultTimeout = BusyTimeoutSeconds,
        }.ConnectionString);
        try
        {
            connection.Open();

            // Exclusive locking before WAL: the log then needs no shared memory, and no other process can open the file until this one
            // ends.
            connection.Read<string>("PRAGMA locking_mode = EXCLUSIVE");
            connection.Read<string>("PRAGMA journal_mode = WAL");

            // Commits wait for the disk; on macOS this needs F_FULLFSYNC.
            connection.Write("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;");
            if (connection.Read<string>("PRAGMA quick_check(1)") is not "ok" and { } damage)
            {
                throw Damaged(damage, null);
            }

            SqliteSchema.Update(connection, _path);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // SQLite creates the log with the same mode as the file.
    private static void CreateForOwner(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        new FileStream(path, options).Dispose();
    }

    private Exception Explain(SqliteException e) => e.SqliteErrorCode switch
    {
        Busy or Locked => new InvalidOperationException(
            $"{_path} is in use: another controller, or a program that looks into the file, has it open. One process at a time " +
            "can use it. Stop the other one, or give each controller a file of its own; controllers that share networks need "
            + "ZtKestrel.Controller.PostgreSql.", e),
        Corrupt or NotADatabase => Damaged(e.Message, e),
        Full => new IOException($"Nothing was written to {_path}: the disk is full. Free space there; the controller needs no restart.", e),
        ReadOnly or CannotOpen => new IOException(
            $"{_path} cannot be written. The user that runs the controller must own the file, and must be able to create files in its "
            + $"folder. ({e.Message})",
            e),
        _ => new IOException($"{_path} could not be read or written: {e.Message}", e),
    };

    private InvalidDataException Damaged(string what, Exception? cause) => new(
        $"{_path} is damaged ({what}). Move it away together with {_path}-wal, put the last backup in its place, and start again. " +
        $"Without a backup, `sqlite3 {_path} .recover` saves what can be read.", cause);
}
