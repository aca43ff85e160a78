using Microsoft.Data.Sqlite;
using ZeroTier.Controller.Sqlite;

namespace ZeroTier.Controller.Tests.Store;

public sealed class SqliteControllerStoreTests : ControllerStoreConformance
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-sqlite-");

    private string File => Path.Combine(_folder.FullName, "controller.db");

    public override ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return base.DisposeAsync();
    }

    [Fact]
    public async Task File_and_log_are_readable_by_their_owner_only()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no modes of files.");
            return;
        }

        await System.IO.File.WriteAllBytesAsync(File, [], Token);
        System.IO.File.SetUnixFileMode(File, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await using IControllerStore store = await OpenAsync();
        await store.WriteAsync([Put(Plain(Network))], [], Token);
        Assert.Equal(2, _folder.GetFiles().Length);
        Assert.All(_folder.GetFiles(), f => Assert.Equal(OwnerOnly, f.UnixFileMode));
    }

    [Fact]
    public async Task A_second_process_is_refused()
    {
        using StoreWriter writer = await StoreWriter.StartAsync("sqlite", File, TimeSpan.FromMilliseconds(10));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync);
        Assert.Contains($"{File} is in use", refused.Message, StringComparison.Ordinal);

        // The refusal has not taken the lock of the first.
        await writer.WaitForAsync(5);
        await writer.KillAsync();
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_second_store_on_the_file_is_refused()
    {
        await using (await OpenAsync())
        {
            Assert.Contains(
                "is in use", (await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync)).Message, StringComparison.Ordinal);
        }

        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_backup_made_while_it_is_in_use_is_a_store()
    {
        string backup = Path.Combine(_folder.FullName, "backup.db");
        await using (var store = (SqliteControllerStore)await OpenAsync())
        {
            await store.WriteAsync([Put(Plain(Network)), Put(Plain(Network, Node))], [], Token);
            await using IControllerLease lease = await store.AcquireAsync(Token);
            await lease.ReserveTimeAsync(77, Token);
            await store.BackupAsync(backup, Token);
            await store.WriteAsync([Put(Plain(Network, OtherNode))], [], Token);
            Assert.Contains(
                "exists",
                (await Assert.ThrowsAsync<IOException>(() => store.BackupAsync(backup, Token))).Message,
                StringComparison.Ordinal);
        }

        Assert.Equal(["backup.db", "controller.db"], _folder.GetFiles().Select(f => f.Name).Order());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(OwnerOnly, System.IO.File.GetUnixFileMode(backup));
        }

        await using var copy = new SqliteControllerStore(backup);
        await copy.OpenAsync(Token);
        Assert.Equal(Node, Assert.Single(await MembersOf(copy)).Node);
        await using IControllerLease again = await copy.AcquireAsync(Token);
        Assert.Equal(77, again.ReservedTime);
    }

    [Fact]
    public async Task A_file_that_is_damaged_is_named_with_what_to_do()
    {
        await using (IControllerStore store = await OpenAsync())
        {
            IEnumerable<StoreChange> members = Enumerable.Range(0, 100)
                .Select(i => Put(Plain(Network, new NodeId(0xab_0000_0000 + (ulong)i))));
            await store.WriteAsync([Put(Plain(Network)), .. members], [], Token);
        }

        byte[] bytes = await System.IO.File.ReadAllBytesAsync(File, Token);
        bytes.AsSpan(4096).Fill(0x5a);
        await System.IO.File.WriteAllBytesAsync(File, bytes, Token);
        var damaged = await Assert.ThrowsAsync<InvalidDataException>(OpenAsync);
        Assert.Contains(File, damaged.Message, StringComparison.Ordinal);
        Assert.Contains("backup", damaged.Message, StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(File, new string('x', 8192), Token);
        await Assert.ThrowsAsync<InvalidDataException>(OpenAsync);
    }

    [Fact]
    public async Task A_file_of_a_newer_version_or_of_another_program_is_refused_untouched()
    {
        await (await OpenAsync()).DisposeAsync();
        Execute("PRAGMA user_version = 1000");
        Assert.Contains(
            "newer version", (await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync)).Message, StringComparison.Ordinal);
        System.IO.File.Delete(File);
        await System.IO.File.WriteAllBytesAsync(File, [], Token);
        Execute("CREATE TABLE theirs (x)");
        Assert.Contains(
            "another program", (await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync)).Message, StringComparison.Ordinal);
        Execute("SELECT x FROM theirs");
    }

    [Fact]
    public async Task The_audit_trail_is_bounded()
    {
        await using IControllerStore store = await OpenAsync();
        var entry = new AuditEntry { Time = default, Actor = Actor.Controller, Action = "test", Network = Network };
        AuditEntry[] entries = [.. Enumerable.Repeat(entry, 50_001)];
        await store.WriteAsync([], entries, Token);
        await store.WriteAsync([], entries, Token);
        int count = 0;
        await foreach (AuditEntry kept in store.ReadAuditAsync(new AuditQuery { Limit = int.MaxValue }, Token))
        {
            count++;
            Assert.True(kept.Id > 2);
        }

        Assert.Equal(100_000, count);
    }

    protected override async Task<IControllerStore> OpenAsync()
    {
        var store = new SqliteControllerStore(File);
        try
        {
            await store.OpenAsync(Token);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
