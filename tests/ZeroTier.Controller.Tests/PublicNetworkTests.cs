using System.Collections.Immutable;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Controller.Tests;

/// <summary>What anybody can do to a controller by asking.</summary>
public class PublicNetworkTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_public_network_that_requires_a_login_lets_nobody_in_before()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false, RequiresLogin = true });
        Assert.Equal(ControllerRefusal.AuthenticationRequired, bench.Ask(network.Id, Alice)!.Refusal);
        Assert.False(bench.Controller.FindMember(network.Id, Alice.Address)!.Member.IsAuthorized);
        await bench.UpdateAsync(network.Id, Alice, m => m with { LoginExpiryTime = bench.Clock.GetUtcNow() + TimeSpan.FromHours(1) });
        Assert.NotNull(bench.AskLater(network.Id, Alice)!.Configuration);
    }

    [Fact]
    public async Task Records_of_nodes_that_a_public_network_lets_in_are_made_at_a_limited_rate()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false });
        for (ulong i = 0; i < 1100; i++)
        {
            bench.Ask(network.Id, NodeAt(i), []);
        }

        Assert.Equal(1000, bench.Controller.CountMembers(network.Id).Total);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(bench.Ask(network.Id, NodeAt(1100), [])!.Configuration);
    }

    [Fact]
    public async Task Members_of_a_full_public_network_that_are_silent_for_a_day_give_way()
    {
        await using var bench = await ControllerBench.StartAsync(configure: b => b.Options = b.Options with { MaxMembersPerNetwork = 2 });
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false });
        bench.Ask(network.Id, NodeAt(1));
        bench.Ask(network.Id, NodeAt(2));
        bench.Clock.Advance(TimeSpan.FromHours(23));
        bench.Ask(network.Id, NodeAt(1));
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, NodeAt(3))!.Refusal);
        bench.Clock.Advance(TimeSpan.FromHours(2));
        Assert.NotNull(bench.Ask(network.Id, NodeAt(3))!.Configuration);
        Assert.Null(bench.Controller.FindMember(network.Id, NodeAt(2).Address));
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, NodeAt(2))!.Refusal);
    }

    [Fact]
    public async Task A_node_that_names_another_version_each_time_does_not_raise_its_revision_each_time()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false });
        for (uint i = 0; i < 20; i++)
        {
            bench.Clock.Advance(TimeSpan.FromSeconds(1));
            bench.Ask(network.Id, Alice, new NetworkDictionaryWriter().Add("majv", i).ToArray());
        }

        Assert.InRange(bench.Controller.FindMember(network.Id, Alice.Address)!.Member.Revision, 1, 2);
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        bench.Ask(network.Id, Alice, new NetworkDictionaryWriter().Add("majv", 77).ToArray());
        Assert.Equal(77, bench.Controller.FindMember(network.Id, Alice.Address)!.Member.Version!.Value.Major);
    }

    [Fact]
    public async Task A_login_page_whose_address_nodes_would_not_take_is_refused()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            bench.UpdateAsync(network.Id, n => n with { AuthorizationEndpoint = new string('a', 1020) }));
        Assert.Contains("AuthorizationEndpoint", error.Message, StringComparison.Ordinal);
        await bench.UpdateAsync(
            network.Id, n => n with { AuthorizationEndpoint = "https://" + new string('a', 900), RequiresLogin = true });
        Assert.Equal(ControllerRefusal.AuthenticationRequired, bench.Ask(network.Id, Alice)!.Refusal);
    }

    [Fact]
    public void A_join_token_that_ended_long_ago_does_not_come_back_for_ever()
    {
        var network = new ControllerNetwork
        {
            Id = new NetworkId(0x1234567890_000001),
            JoinTokens = ImmutableSortedDictionary<string, DateTimeOffset?>.Empty.WithComparers(StringComparer.Ordinal)
                .Add("epoch", DateTimeOffset.UnixEpoch).Add("before", DateTimeOffset.UnixEpoch.AddYears(-1)).Add("ever", null),
        };
        ControllerNetwork read = ControllerJson.ReadNetwork(ControllerJson.Write(network));
        Assert.NotNull(read.JoinTokens["epoch"]);
        Assert.NotNull(read.JoinTokens["before"]);
        Assert.Null(read.JoinTokens["ever"]);
    }

    private static NodeIdentity NodeAt(ulong number) => TestIdentities.At(new NodeId(0x30_0000_0000UL + number));
}
