using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>Thousands of members: figures are reported, not judged.</summary>
public class ManyMembersTests(ITestOutputHelper output)
{
    private const int Members = 5000;

    [Fact]
    public async Task Five_thousand_members_are_served_and_told_of_a_change()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.1.0.1", "10.1.255.254", "10.1.0.0", 16));
        string token = await bench.Controller.CreateJoinTokenAsync(
            network.Id, null, ControllerBench.Admin, TestContext.Current.CancellationToken);
        NodeIdentity[] nodes = [.. Enumerable.Range(0, Members)
            .Select(i => TestIdentities.At(new NodeId(0x20_0000_0000UL + (ulong)(i * 7919))))];

        long memory = GC.GetTotalMemory(forceFullCollection: true);
        TimeSpan first = Measure(() => AskAll(bench, network.Id, nodes, token));
        long grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.Equal(new NetworkCounts(Members, Members, Members), bench.Controller.CountMembers(network.Id));
        Assert.Equal(Members, bench.Controller.GetMembers(network.Id).SelectMany(m => m.Member.Addresses).Distinct().Count());

        bench.Clock.Advance(TimeSpan.FromSeconds(60));
        TimeSpan refresh = Measure(() => AskAll(bench, network.Id, nodes, token));
        TimeSpan push = await MeasureAsync(() => bench.UpdateAsync(network.Id, n => n with { Name = "renamed" }));
        Assert.Equal(Members, bench.Controller.GetStatistics().Pushes);
        Assert.Equal(2 * Members, bench.Controller.GetStatistics().Replies);
        output.WriteLine(
            $"{Members} members: {grown / Members} bytes each; CPU for each: {first.TotalMicroseconds / Members:F0} us to join, " +
            $"{refresh.TotalMicroseconds / Members:F0} us to refresh, {push.TotalMicroseconds / Members:F0} us to be told of a change.");
    }

    private static void AskAll(ControllerBench bench, NetworkId network, NodeIdentity[] nodes, string token)
    {
        foreach (NodeIdentity node in nodes)
        {
            Assert.Null(bench.Ask(network, node, token)!.Refusal);
            bench.Port.Sent.Clear();
        }
    }

    private static TimeSpan Measure(Action action)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        action();
        return Environment.CpuUsage.TotalTime - before;
    }

    private static async Task<TimeSpan> MeasureAsync(Func<Task> action)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        await action();
        return Environment.CpuUsage.TotalTime - before;
    }
}
