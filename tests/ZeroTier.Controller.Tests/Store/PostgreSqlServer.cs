using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace ZeroTier.Controller.Tests.Store;

/// <summary>
/// A PostgreSQL server of the tests' own, in a temporary folder, on a unix socket. Needs Debian's package postgresql, or the like.
/// </summary>
public sealed class PostgreSqlServer : IAsyncLifetime
{
    private const string Installed = "/usr/lib/postgresql";
    private const string SuperUser = "postgres";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-pg-");
    private string? _programs;
    private Process? _server;
    private int _lastDatabase;

    /// <summary>Why nothing can be tested here; null where it can.</summary>
    public string? SkipReason { get; private set; }

    /// <summary>Where its socket is.</summary>
    public string Folder => _folder.FullName;

    public async ValueTask InitializeAsync()
    {
        _programs = FindPrograms();
        SkipReason = OperatingSystem.IsWindows() ? "The server is started on a unix socket."
            : _programs is null ? "PostgreSQL is not installed (Debian: apt-get install postgresql)."
            : null;
        if (SkipReason is not null)
        {
            return;
        }

        // The server refuses to run as root.
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", SuperUser, _folder.FullName);
        }

        string data = Path.Combine(_folder.FullName, "data");
        await RunAsync(AsUser($"{_programs}/initdb", "--no-sync", "-A", "trust", "-U", SuperUser, "-E", "UTF8", "--locale=C", "-D", data));
        _server = Process.Start(Start(AsUser(
            $"{_programs}/postgres", "-D", data, "-k", _folder.FullName, "-c", "listen_addresses=", "-c", "max_connections=200")))!;
        _server.OutputDataReceived += static (_, _) => { };
        _server.ErrorDataReceived += static (_, _) => { };
        _server.BeginOutputReadLine();
        _server.BeginErrorReadLine();
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (NpgsqlException) when (waited.Elapsed < Limit)
            {
                await Task.Delay(50);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            // SIGINT ends sessions and then the server; the process itself may be the one that has changed the user.
            string id = (await File.ReadAllLinesAsync(Path.Combine(_folder.FullName, "data", "postmaster.pid")))[0];
            await RunAsync("kill", "-INT", id);
            await _server.WaitForExitAsync().WaitAsync(Limit);
            _server.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref _lastDatabase)}");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    /// <summary>Executes a command in a database; the first value of its result.</summary>
    public static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    // Debian has a folder for each version.
    private static string? FindPrograms() => !Directory.Exists(Installed) ? null : Directory.GetDirectories(Installed)
        .OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out int version) ? version : 0)
        .Select(d => Path.Combine(d, "bin")).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")));

    private Task ExecuteAsync(string sql) => ExecuteAsync(ConnectionString(SuperUser), sql);

    private string ConnectionString(string database) => $"Host={_folder.FullName};Username={SuperUser};Database={database}";

    private static string[] AsUser(params string[] command) =>
        Environment.IsPrivilegedProcess ? ["runuser", "-u", SuperUser, "--", .. command] : command;

    private ProcessStartInfo Start(string[] command) =>
        new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.FullName };

    private async Task RunAsync(params string[] command)
    {
        using Process process = Process.Start(Start(command))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await output}{await error}");
    }
}

/// <summary>Tests that share the server, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class PostgreSqlCollection : ICollectionFixture<PostgreSqlServer>
{
    public const string Name = "PostgreSQL";
}
