using System.Diagnostics;
using System.Globalization;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Store;

/// <summary>A controller that stands by while a process writes 50 changes per second.</summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlTakeoverTests(PostgreSqlServer server)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task When_the_active_controller_is_killed_the_one_that_stands_by_takes_over_with_every_acknowledged_change()
    {
        string database = await NewDatabaseAsync();
        for (int kill = 0; kill < 3; kill++)
        {
            using StoreWriter writer = await StoreWriter.StartAsync("postgresql", database, Pause);
            await using NetworkController controller = await StandByAsync(database);
            await writer.WaitForAsync(100);
            Assert.False(controller.IsActive);
            await writer.KillAsync();
            TimeSpan taken = await ActiveAsync(controller);
            Write($"{writer.Acknowledged} changes, active after {taken.TotalSeconds:0.00} s");
            Check(controller, writer.Acknowledged);
            await controller.UpdateNetworkAsync(StoreWriter.Network, n => n, null, new Actor("admin"), Token);
        }
    }

    [Fact]
    public async Task A_controller_that_is_stopped_is_replaced_and_does_not_go_on()
    {
        string database = await NewDatabaseAsync();
        using StoreWriter writer = await StoreWriter.StartAsync("postgresql", database, Pause);
        await using NetworkController controller = await StandByAsync(database);
        await writer.WaitForAsync(10);

        // As a machine that is gone: nothing closes its connections.
        writer.Signal("STOP");
        TimeSpan taken = await ActiveAsync(controller);
        Write($"active after {taken.TotalSeconds:0.00} s");
        writer.Signal("CONT");
        await writer.WaitForLossAsync();

        // Every process may write: a change that this one made after it went on, before it noticed the loss, is followed like any other.
        await WaitAsync(() => Revision(controller) >= writer.Acknowledged && LastName(controller) == Revision(controller), "follow");
        Check(controller, writer.Acknowledged);
        Assert.True(controller.IsActive);
    }

    private static void Write(FormattableString text) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(text));

    private static void Check(NetworkController controller, long acknowledged)
    {
        long revision = Revision(controller);
        Assert.True(revision >= acknowledged, $"{acknowledged} was acknowledged, {revision} is there.");
        Assert.Equal(revision, LastName(controller));
    }

    private static long Revision(NetworkController controller) => controller.FindNetwork(StoreWriter.Network)!.Revision;

    private static long LastName(NetworkController controller) =>
        controller.GetMembers(StoreWriter.Network).Max(m => long.Parse(m.Member.Name!, CultureInfo.InvariantCulture));

    private static async Task<NetworkController> StandByAsync(string database)
    {
        var options = new NetworkControllerOptions { Store = new PostgreSqlControllerStore(database) };
        NetworkController controller = await NetworkController.OpenAsync(options, Token);
        ((INetworkController)controller).Start(new RecordingPort(TestIdentities.All[0]));
        return controller;
    }

    private static async Task<TimeSpan> ActiveAsync(NetworkController controller)
    {
        var waited = Stopwatch.StartNew();
        await WaitAsync(() => controller.IsActive, "take over");
        return waited.Elapsed;
    }

    private static async Task WaitAsync(Func<bool> done, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!done())
        {
            Assert.True(waited.Elapsed < Limit, $"It does not {what}.");
            await Task.Delay(20, Token);
        }
    }

    private async Task<string> NewDatabaseAsync()
    {
        Assert.SkipWhen(server.SkipReason is not null, server.SkipReason ?? "");
        return await server.CreateDatabaseAsync();
    }
}
