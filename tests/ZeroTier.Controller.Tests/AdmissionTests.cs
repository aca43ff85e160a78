using System.Text;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests;

/// <summary>Who is let in (docs/protocol/3-vl2.md 3.14, docs/protocol/5-http-api.md 5.7.1).</summary>
public class AdmissionTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];
    private static readonly NodeIdentity Bob = TestIdentities.All[2];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_network_that_is_unknown_is_not_found()
    {
        await using var bench = await ControllerBench.StartAsync();
        Assert.Equal(ControllerRefusal.NotFound, bench.Ask(new NetworkId((bench.Port.Identity.Address.Value << 24) | 5), Alice)!.Refusal);
    }

    [Fact]
    public async Task A_private_network_records_who_asks_and_lets_in_who_is_authorised()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Alice)!.Refusal);
        MemberStatus waiting = bench.Controller.FindMember(network.Id, Alice.Address)!;
        Assert.Equal((false, true, Alice), (waiting.Member.IsAuthorized, waiting.IsOnline, waiting.Member.Identity));

        ControllerMember authorized = await bench.AuthorizeAsync(network.Id, Alice);
        Assert.Equal(
            (AuthorizationSource.Administrator, bench.Clock.GetUtcNow()), (authorized.AuthorizedBy, authorized.LastAuthorizedTime));

        // At once, without being asked.
        Sent pushed = Assert.Single(bench.Port.Pushes);
        Assert.Equal(Alice.Address, pushed.Configuration.Membership!.IssuedTo);
        Assert.Equal(network.Id, bench.AskLater(network.Id, Alice)!.Configuration.Id);
        Assert.Equal(new MemberVersion(1, 14, 2, 12), bench.Controller.FindMember(network.Id, Alice.Address)!.Member.Version);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Bob)!.Refusal);
    }

    [Fact]
    public async Task A_node_can_be_authorised_before_it_asks()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        Assert.Empty(bench.Port.Sent);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
    }

    [Fact]
    public async Task A_public_network_lets_everybody_in_and_keeps_them_when_it_becomes_private()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false });
        Assert.True(bench.Ask(network.Id, Alice)!.Configuration.IsPublic);
        Assert.Equal(AuthorizationSource.PublicNetwork, bench.Controller.FindMember(network.Id, Alice.Address)!.Member.AuthorizedBy);
        await bench.UpdateAsync(network.Id, n => n with { IsPrivate = true });
        Assert.False(bench.AskLater(network.Id, Alice)!.Configuration.IsPublic);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Bob)!.Refusal);
    }

    [Fact]
    public async Task A_join_token_lets_in_until_it_expires_or_is_revoked()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        string token = await bench.Controller.CreateJoinTokenAsync(
            network.Id, bench.Clock.GetUtcNow() + TimeSpan.FromMinutes(1), ControllerBench.Admin, Token);
        Assert.Equal(32, token.Length);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Alice, token[..31])!.Refusal);
        Assert.NotNull(bench.AskLater(network.Id, Alice, token)!.Configuration);
        ControllerMember member = bench.Controller.FindMember(network.Id, Alice.Address)!.Member;
        Assert.Equal((AuthorizationSource.Token, token), (member.AuthorizedBy, member.AuthorizationToken));
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Bob, token)!.Refusal);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);

        string other = await bench.Controller.CreateJoinTokenAsync(network.Id, null, ControllerBench.Admin, Token);
        await bench.Controller.RevokeJoinTokenAsync(network.Id, other, ControllerBench.Admin, Token);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.AskLater(network.Id, Bob, other)!.Refusal);
        await foreach (AuditEntry entry in bench.Controller.ReadAuditAsync(new AuditQuery(), Token))
        {
            Assert.DoesNotContain(token, entry.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_identity_of_the_same_address_is_refused_and_changes_nothing()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
        NodeIdentity impostor = TestIdentities.At(Alice.Address);
        Assert.NotEqual(Alice, impostor);
        bench.Clock.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, impostor)!.Refusal);
        Assert.Equal(Alice, bench.Controller.FindMember(network.Id, Alice.Address)!.Member.Identity);
        Assert.False(bench.Controller.FindMember(network.Id, Alice.Address)!.IsOnline);
        Assert.Equal(1, bench.Controller.GetStatistics().IdentityMismatches);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
    }

    [Fact]
    public async Task A_network_that_requires_a_login_says_where()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(
            n => n with { RequiresLogin = true, AuthorizationEndpoint = "https://login.example" });
        await bench.AuthorizeAsync(network.Id, Alice);
        Sent refused = bench.Ask(network.Id, Alice)!;
        Assert.Equal(ControllerRefusal.AuthenticationRequired, refused.Refusal);
        Assert.Equal("aV=0000000000000000\naU=https://login.example", Encoding.ASCII.GetString(refused.Text));

        DateTimeOffset until = bench.Clock.GetUtcNow() + TimeSpan.FromMinutes(1);
        await bench.UpdateAsync(network.Id, Alice, m => m with { LoginExpiryTime = until });
        Assert.Single(bench.Port.Pushes);
        Assert.NotNull(bench.AskLater(network.Id, Alice)!.Configuration);
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ControllerRefusal.AuthenticationRequired, bench.Ask(network.Id, Alice)!.Refusal);
    }

    [Fact]
    public async Task A_node_that_asks_too_often_is_ignored()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        Assert.NotNull(bench.Ask(network.Id, Alice));
        bench.Clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Null(bench.Ask(network.Id, Alice));
        bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotNull(bench.Ask(network.Id, Alice));
        Assert.Equal(1, bench.Controller.GetStatistics().RequestsTooSoon);
    }

    [Fact]
    public async Task Strangers_are_recorded_up_to_a_bound_and_the_oldest_gives_way()
    {
        await using var bench = await ControllerBench.StartAsync(
            configure: b => b.Options = b.Options with { MaxUnauthorizedMembers = 10 });
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
        Assert.NotNull(bench.Ask(network.Id, Bob)!.Refusal);
        await bench.UpdateAsync(network.Id, Bob, m => m with { Name = "is to be kept" });
        for (uint i = 1; i <= 30; i++)
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(100));
            Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Stranger(i))!.Refusal);
        }

        Assert.Equal(12, bench.Controller.CountMembers(network.Id).Total);
        Assert.Equal(20, bench.Controller.GetStatistics().StrangersForgotten);
        Assert.NotNull(bench.Controller.FindMember(network.Id, Bob.Address));
        Assert.Null(bench.Controller.FindMember(network.Id, Stranger(20).Address));
        Assert.NotNull(bench.Controller.FindMember(network.Id, Stranger(21).Address));
        await bench.RestartAsync();
        Assert.Equal(12, bench.Controller.CountMembers(network.Id).Total);
    }

    [Fact]
    public async Task A_flood_of_strangers_costs_few_writes_and_no_member_its_answer()
    {
        var store = new CountingStore(new MemoryControllerStore());
        await using var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync();
        await bench.AuthorizeAsync(network.Id, Alice);
        int before = store.Changes;
        for (uint i = 0; i < 5000; i++)
        {
            Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Stranger(i))!.Refusal);
        }

        Assert.InRange(store.Changes - before, 1, 100);
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
        Assert.InRange(bench.Controller.GetStatistics().StrangersNotRecorded, 4900, 5000);
    }

    [Fact]
    public async Task A_full_public_network_refuses_newcomers_only()
    {
        await using var bench = await ControllerBench.StartAsync(configure: b => b.Options = b.Options with { MaxMembersPerNetwork = 2 });
        ControllerNetwork network = await bench.CreateAsync(n => n with { IsPrivate = false });
        Assert.NotNull(bench.Ask(network.Id, Alice)!.Configuration);
        Assert.NotNull(bench.Ask(network.Id, Bob)!.Configuration);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, Stranger(1))!.Refusal);
        Assert.NotNull(bench.AskLater(network.Id, Alice)!.Configuration);
        Assert.Equal(2, bench.Controller.CountMembers(network.Id).Authorized);
    }

    [Fact]
    public async Task Nothing_is_answered_that_could_not_be_written()
    {
        var store = new CountingStore(new MemoryControllerStore());
        await using var bench = await ControllerBench.StartAsync(store);
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.0.0.1", "10.0.0.3"));
        await bench.AuthorizeAsync(network.Id, Alice);
        await bench.AuthorizeAsync(network.Id, Bob);
        store.Fails = true;
        Assert.Null(bench.Ask(network.Id, Alice));
        await Assert.ThrowsAsync<IOException>(() => bench.UpdateAsync(network.Id, n => n with { Name = "new" }));
        Assert.Equal("", bench.Controller.FindNetwork(network.Id)!.Name);
        Assert.Null(bench.Controller.FindMember(network.Id, Alice.Address)!.Member.Identity);
        Assert.Equal(1, bench.Controller.GetStatistics().StoreFailures);
        store.Fails = false;

        // The address that could not be given is free for others: there are two.
        Assert.NotEmpty(bench.Ask(network.Id, Bob)!.Configuration.Addresses);
        Assert.NotEmpty(bench.AskLater(network.Id, Alice)!.Configuration.Addresses);
    }

    private static NodeIdentity Stranger(uint number) => TestIdentities.At(new NodeId(0x77_0000_0000UL + number));
}
