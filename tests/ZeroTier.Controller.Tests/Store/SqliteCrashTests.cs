using System.Globalization;
using ZeroTier.Controller.Sqlite;

namespace ZeroTier.Controller.Tests.Store;

public sealed class SqliteCrashTests : IDisposable
{
    private const int Kills = 120;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-crash-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_process_that_is_killed_at_any_moment_has_lost_no_acknowledged_change()
    {
        string file = Path.Combine(_folder.FullName, "controller.db");
        var random = new Random(1);
        for (int kill = 0; kill < Kills; kill++)
        {
            using StoreWriter writer = await StoreWriter.StartAsync("sqlite", file, TimeSpan.Zero);
            await writer.WaitForAsync(random.Next(12));
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 10), Token);
            await writer.KillAsync();
            await CheckAsync(file, writer.Acknowledged);
        }
    }

    // A change is whole: revision of the network, name of a member and the entry of the audit trail.
    private static async Task CheckAsync(string file, long acknowledged)
    {
        await using var store = new SqliteControllerStore(file);
        await store.OpenAsync(Token);
        long revision = 0, named = 0, audited = 0;
        await foreach (ControllerNetwork network in store.LoadNetworksAsync(Token))
        {
            revision = network.Revision;
        }

        await foreach (ControllerMember member in store.LoadMembersAsync(Token))
        {
            named = Math.Max(named, long.Parse(member.Name!, CultureInfo.InvariantCulture));
        }

        await foreach (AuditEntry entry in store.ReadAuditAsync(new AuditQuery { Limit = 1 }, Token))
        {
            audited = long.Parse(entry.Detail, CultureInfo.InvariantCulture);
        }

        Assert.True(revision >= acknowledged, $"{acknowledged} was acknowledged, {revision} is there.");
        Assert.Equal((revision, revision), (named, audited));
    }
}
