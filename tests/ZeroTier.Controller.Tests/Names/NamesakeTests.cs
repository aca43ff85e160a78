using System.Net;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Names;

/// <summary>Members that share a name: only one is found by it, and the log says which.</summary>
public sealed class NamesakeTests
{
    private const int NameTwice = 332;

    [Fact]
    public async Task Those_who_share_a_name_are_said_when_names_begin_to_be_served_and_when_another_comes()
    {
        using var logs = new LogCollector();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(logs));
        await using var bench = await ControllerBench.StartAsync(
            configure: builder => builder.Options = builder.Options with { LoggerFactory = factory });
        NetworkId network = (await bench.CreateAsync(n => n with { Dns = new NetworkDnsSettings("home.arpa", []) })).Id;
        await NameAsync(1);
        await NameAsync(2);
        Assert.Empty(Said());

        await bench.Controller.UpdateNetworkAsync(
            network, n => n with { ServesNames = true }, null, ControllerBench.Admin, TestContext.Current.CancellationToken);
        Assert.Contains(TestIdentities.All[2].Address.ToString(), Assert.Single(Said()).Text, StringComparison.Ordinal);

        await NameAsync(3);
        Assert.Contains(Said().Skip(1), line => line.Text.Contains(TestIdentities.All[3].Address.ToString(), StringComparison.Ordinal));

        Task NameAsync(int index) => bench.UpdateAsync(
            network, TestIdentities.All[index], m => m with { Name = "orders", IsAuthorized = true });

        IEnumerable<LogLine> Said() => logs.Lines.Where(line => line.Event.Id == NameTwice);
    }
}
