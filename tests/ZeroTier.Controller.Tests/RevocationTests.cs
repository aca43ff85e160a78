using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Controller.Tests;

/// <summary>Who was put out while nobody could say so, and time stamps over a clock that is set (docs/protocol/3-vl2.md 3.14).</summary>
public class RevocationTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];
    private static readonly NodeIdentity Bob = TestIdentities.All[2];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_member_that_was_put_out_while_the_node_was_down_is_revoked_when_others_ask(bool restarts)
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench);
        ulong certificate = bench.Port.Sent.Last(s => s.Member == Alice.Address).Configuration.Membership!.Timestamp;
        INetworkController role = bench.Controller;
        role.Stop();
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        if (restarts)
        {
            await bench.RestartAsync();
        }
        else
        {
            role.Start(bench.Port);
        }

        Assert.Empty(bench.Port.Revocations);
        bench.AskLater(network.Id, Bob);
        Revocation revocation = Read(Assert.Single(bench.Port.Revocations));
        Assert.Equal(Alice.Address, revocation.Target);
        Assert.True(revocation.Threshold >= certificate);
        bench.AskLater(network.Id, Bob);
        Assert.Single(bench.Port.Revocations);
    }

    [Fact]
    public async Task A_member_that_was_let_in_again_is_not_revoked()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench);
        INetworkController role = bench.Controller;
        role.Stop();
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        await bench.AuthorizeAsync(network.Id, Alice);
        role.Start(bench.Port);
        bench.AskLater(network.Id, Bob);
        Assert.Empty(bench.Port.Revocations);
    }

    [Fact]
    public async Task Certificates_of_two_members_agree_after_the_clock_was_set_back()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench);
        bench.Clock.WallClockSet -= TimeSpan.FromHours(1);
        ulong alice = bench.AskLater(network.Id, Alice)!.Configuration.Timestamp;
        bench.Port.Sent.Clear();
        await bench.AuthorizeAsync(network.Id, TestIdentities.All[3]);
        ulong carol = bench.AskLater(network.Id, TestIdentities.All[3])!.Configuration.Timestamp;
        Assert.InRange(carol, alice, alice + 2000);
    }

    [Fact]
    public async Task Time_goes_on_after_the_clock_was_ahead_for_a_while()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench);
        bench.Clock.WallClockSet = TimeSpan.FromDays(1);
        bench.AskLater(network.Id, Alice);
        bench.Clock.WallClockSet = TimeSpan.Zero;
        await bench.RestartAsync();
        ulong first = bench.AskLater(network.Id, Alice)!.Configuration.Timestamp;
        bench.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.InRange(bench.Ask(network.Id, Alice)!.Configuration.Timestamp, first + 599_000, first + 601_000);
    }

    private static async Task<ControllerNetwork> JoinAsync(ControllerBench bench)
    {
        ControllerNetwork network = await bench.CreateAsync();
        foreach (NodeIdentity node in new[] { Alice, Bob })
        {
            await bench.AuthorizeAsync(network.Id, node);
            bench.Ask(network.Id, node);
        }

        return network;
    }

    private static Revocation Read(Sent sent)
    {
        ReadOnlySpan<byte> data = sent.Revocation;
        Assert.True(Revocation.TryRead(ref data, out Revocation? revocation));
        return revocation;
    }
}
