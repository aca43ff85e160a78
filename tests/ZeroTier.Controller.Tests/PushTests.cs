using System.Net;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Controller.Tests;

/// <summary>What members are told, and when (docs/protocol/5-http-api.md 5.7.3).</summary>
public class PushTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];
    private static readonly NodeIdentity Bob = TestIdentities.All[2];
    private static readonly NodeIdentity Carol = TestIdentities.All[3];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_of_a_network_reaches_members_that_asked_lately_and_no_others()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice);
        bench.Clock.Advance(TimeSpan.FromSeconds(121));
        await bench.AuthorizeAsync(network.Id, Bob);
        bench.Ask(network.Id, Bob);
        bench.Ask(network.Id, Carol);
        bench.Port.Sent.Clear();
        ControllerNetwork changed = await bench.UpdateAsync(network.Id, n => n with { Mtu = 1400, Name = "new" });
        Assert.Equal(2, changed.Revision);
        Sent push = Assert.Single(bench.Port.Sent);
        Assert.Equal(
            (Bob.Address, 1400, "new", 2UL), (push.Member, push.Configuration.Mtu, push.Configuration.Name, push.Configuration.Revision));
    }

    [Fact]
    public async Task A_change_that_changes_nothing_is_none()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice);
        bench.Port.Sent.Clear();
        Assert.Equal(1, (await bench.UpdateAsync(network.Id, n => n with { Routes = [], Name = "" })).Revision);
        Assert.Empty(bench.Port.Sent);
    }

    [Fact]
    public async Task A_bridge_is_made_known_to_all()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice, Bob);
        bench.Port.Sent.Clear();
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsActiveBridge = true });
        Assert.Equal([Alice.Address, Bob.Address], bench.Port.Pushes.Select(p => p.Member).Order());
        Assert.All(bench.Port.Pushes, p => Assert.Equal([Alice.Address], p.Configuration.ActiveBridges));
        bench.Port.Sent.Clear();
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        Assert.Empty(Assert.Single(bench.Port.Pushes).Configuration.ActiveBridges);
    }

    [Fact]
    public async Task Time_stamps_grow_over_changes_restarts_and_a_clock_that_is_set_back()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice);
        var times = new List<ulong>();
        for (int i = 0; i < 20; i++)
        {
            await bench.UpdateAsync(network.Id, n => n with { Name = $"{i}" });
            if (i % 5 == 4)
            {
                times.AddRange(bench.Port.Sent.Select(s => s.Configuration.Timestamp));
                bench.Clock.WallClockSet -= TimeSpan.FromHours(1);
                await bench.RestartAsync();
                bench.AskLater(network.Id, Alice);
            }
        }

        times.AddRange(bench.Port.Sent.Select(s => s.Configuration.Timestamp));
        Assert.Equal(times.Distinct().Order(), times);
        Assert.Equal(25, times.Count);
    }

    [Fact]
    public async Task Certificates_of_members_agree_after_the_clock_was_ahead_for_a_while()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice, Bob);
        bench.Clock.WallClockSet += TimeSpan.FromHours(3);
        ulong ahead = bench.AskLater(network.Id, Alice)!.Configuration.Membership!.Timestamp;
        bench.Clock.WallClockSet -= TimeSpan.FromHours(3);
        ulong now = bench.AskLater(network.Id, Bob)!.Configuration.Membership!.Timestamp;
        Assert.InRange(now, ahead, ahead + 60_000);
    }

    [Fact]
    public async Task A_member_that_is_put_out_is_revoked_at_all_and_can_come_back()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice, Bob, Carol);
        ulong before = bench.Port.Sent.Last(s => s.Member == Alice.Address).Configuration.Membership!.Timestamp;
        bench.Port.Sent.Clear();
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        Assert.Equal(new[] { Alice, Bob, Carol }.Select(n => n.Address).Order(), bench.Port.Sent.Select(s => s.Member).Order());
        Revocation revocation = Read(bench.Port.Revocations.First());
        Assert.Equal((Alice.Address, CredentialType.Membership, true), (revocation.Target, revocation.Type, revocation.IsToBePassedOn));
        Assert.True(revocation.Threshold >= before);
        Assert.Equal(SignatureResult.Good, revocation.CheckSignature(new Signers(bench.Port.Identity)));
        Assert.Equal(ControllerRefusal.AccessDenied, bench.AskLater(network.Id, Alice)!.Refusal);
        bench.Clock.WallClockSet -= TimeSpan.FromHours(1);
        await bench.AuthorizeAsync(network.Id, Alice);
        Assert.True(bench.AskLater(network.Id, Alice)!.Configuration.Membership!.Timestamp > revocation.Threshold);
    }

    [Fact]
    public async Task A_member_or_network_that_is_deleted_is_revoked_too()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await JoinAsync(bench, Alice, Bob);
        bench.Port.Sent.Clear();
        await bench.Controller.DeleteMemberAsync(network.Id, Alice.Address, null, ControllerBench.Admin, Token);
        Assert.All(bench.Port.Sent, s => Assert.Equal(Alice.Address, Read(s).Target));
        Assert.Equal(2, bench.Port.Sent.Count);
        Assert.Equal(ControllerRefusal.AccessDenied, bench.AskLater(network.Id, Alice)!.Refusal);
        bench.Port.Sent.Clear();
        await bench.Controller.DeleteNetworkAsync(network.Id, null, ControllerBench.Admin, Token);
        Assert.Equal(Bob.Address, Read(Assert.Single(bench.Port.Sent)).Target);
        Assert.Equal(ControllerRefusal.NotFound, bench.AskLater(network.Id, Bob)!.Refusal);
        await bench.RestartAsync();
        Assert.Empty(bench.Controller.Networks);
    }

    [Fact]
    public async Task Configurations_carry_everything_that_the_network_and_the_member_say()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => n with
        {
            Name = "net",
            MulticastLimit = 7,
            AllowsBroadcast = false,
            Routes = [new(IPAddress.Parse("10.0.0.0"), 24, null), new(IPAddress.Parse("192.168.0.0"), 16, IPAddress.Parse("10.0.0.1"))],
            Dns = new NetworkDnsSettings("home.arpa", ["10.0.0.53", "nonsense", "fd00::53"]),
            Capabilities = [new(1, [NetworkRule.Accept], isDefault: true), new(2, [NetworkRule.Accept])],
            Tags = [new(10, 5), new(11)],
            CertificateWindow = TimeSpan.FromSeconds(1),
        });
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = true, Tags = m.Tags.Add(11, 8), Capabilities = [2, 99] });
        NetworkConfiguration alice = bench.Ask(network.Id, Alice)!.Configuration;
        Assert.Equal(("net", 7, NetworkFlags.None, 300_000UL), (alice.Name, alice.MulticastLimit, alice.Flags, alice.CredentialMaxDelta));
        Assert.Equal(
            ["10.0.0.0/24 via ", "192.168.0.0/16 via 10.0.0.1"], alice.Routes.Select(r => $"{r.Target}/{r.PrefixLength} via {r.Gateway}"));
        Assert.Equal("home.arpa", alice.Dns!.Domain);
        Assert.Equal(["10.0.0.53", "fd00::53"], alice.Dns.Servers.Select(s => s.ToString()));
        Assert.Equal([(10U, 5U), (11U, 8U)], alice.Tags.Select(t => (t.Id, t.Value)));
        Assert.Equal([2U], alice.Capabilities.Select(c => c.Id));
        var signers = new Signers(bench.Port.Identity);
        Assert.All(alice.Tags, t => Assert.Equal(SignatureResult.Good, t.CheckSignature(signers)));
        Assert.All(alice.Capabilities, c => Assert.Equal(SignatureResult.Good, c.CheckSignature(signers)));
        Assert.Equal(SignatureResult.Good, alice.Membership!.CheckSignature(signers));

        // Defaults of capabilities are for nodes that came by themselves; Bob knows no rules.
        await bench.UpdateAsync(network.Id, n => n with { IsPrivate = false });
        NetworkConfiguration bob = bench.Ask(network.Id, Bob, rules: 0)!.Configuration;
        Assert.Empty(bob.Tags);
        Assert.Empty(bob.Capabilities);
        Assert.Equal([1U], bench.Controller.FindMember(network.Id, Bob.Address)!.Member.Capabilities);
        Assert.True(bob.Membership!.Agrees(alice.Membership, Alice.PublicKeyHash));
    }

    [Fact]
    public async Task Events_say_what_happened_in_order()
    {
        await using var bench = await ControllerBench.StartAsync();
        using ControllerSubscription subscription = bench.Controller.Subscribe();
        ControllerNetwork network = await bench.CreateAsync();
        bench.Ask(network.Id, Alice);
        await bench.AuthorizeAsync(network.Id, Alice);
        bench.Clock.Advance(TimeSpan.FromSeconds(130));
        await bench.Controller.DeleteMemberAsync(network.Id, Alice.Address, null, ControllerBench.Admin, Token);
        await bench.Controller.DeleteNetworkAsync(network.Id, null, ControllerBench.Admin, Token);
        var events = new List<ControllerEvent>();
        while (subscription.TryRead(out ControllerEvent? next))
        {
            events.Add(next);
        }

        Assert.Equal(
            [
                "NetworkChanged",
                "MemberChanged",
                "MemberPresenceChanged",
                "MemberChanged",
                "MemberPresenceChanged",
                "MemberDeleted",
                "NetworkDeleted",
            ],
            events.Select(e => e.GetType().Name));
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => (long)i), events.Select(e => e.Sequence));
        Assert.Equal([true, false], events.OfType<MemberPresenceChanged>().Select(e => e.IsOnline));
    }

    [Fact]
    public async Task A_subscriber_that_does_not_read_misses_the_oldest()
    {
        await using var bench = await ControllerBench.StartAsync();
        using ControllerSubscription subscription = bench.Controller.Subscribe();
        ControllerNetwork network = await bench.CreateAsync();
        for (int i = 0; i < ControllerSubscription.MaxWaiting; i++)
        {
            await bench.UpdateAsync(network.Id, n => n with { Name = $"{i}" });
        }

        Assert.Equal(1, subscription.Missed);
        Assert.True(subscription.TryRead(out ControllerEvent? first));
        Assert.Equal(2, first.Sequence);
    }

    [Fact]
    public async Task The_audit_trail_says_who_changed_what()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        await bench.UpdateAsync(network.Id, n => n with { Mtu = 1400, Name = "x" });
        await bench.AuthorizeAsync(network.Id, Alice);
        await bench.UpdateAsync(network.Id, n => n with { IsPrivate = false });
        bench.Ask(network.Id, Bob);
        var entries = new List<string>();
        await foreach (AuditEntry e in bench.Controller.ReadAuditAsync(new AuditQuery(), Token))
        {
            entries.Add($"{e.Actor} {e.Action} {e.Member} {e.Detail}");
        }

        entries.Reverse();
        Assert.Equal(
            ["admin network.create  ", "admin network.update  name, mtu", $"admin member.authorize {Alice.Address} ",
            "admin network.update  private",
                $"controller member.authorize {Bob.Address} public network"],
            entries);
    }

    [Fact]
    public async Task A_revision_that_is_not_the_present_one_is_refused()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync();
        NetworkController controller = bench.Controller;
        await controller.UpdateNetworkAsync(network.Id, n => n with { Name = "a" }, 1, ControllerBench.Admin, Token);
        await Assert.ThrowsAsync<StoreConflictException>(
            () => controller.UpdateNetworkAsync(network.Id, n => n with { Name = "b" }, 1, ControllerBench.Admin,
                Token));
        await Assert.ThrowsAsync<StoreConflictException>(() => controller.DeleteNetworkAsync(network.Id, 1, ControllerBench.Admin, Token));
        await controller.UpdateMemberAsync(network.Id, Alice.Address, m => m with { Name = "a" }, 0, ControllerBench.Admin, Token);
        await Assert.ThrowsAsync<StoreConflictException>(
            () => controller.UpdateMemberAsync(network.Id, Alice.Address, m => m with { Name = "b" }, 0,
                ControllerBench.Admin, Token));
        await Assert.ThrowsAsync<StoreConflictException>(
            () => controller.DeleteMemberAsync(network.Id, Alice.Address, 2, ControllerBench.Admin, Token));
        await Assert.ThrowsAsync<StoreConflictException>(() => controller.CreateNetworkAsync(network, ControllerBench.Admin, Token));
    }

    private static async Task<ControllerNetwork> JoinAsync(ControllerBench bench, params NodeIdentity[] nodes)
    {
        ControllerNetwork network = await bench.CreateAsync();
        foreach (NodeIdentity node in nodes)
        {
            await bench.AuthorizeAsync(network.Id, node);
            Assert.NotNull(bench.Ask(network.Id, node)!.Configuration);
        }

        return network;
    }

    private static Revocation Read(Sent sent)
    {
        ReadOnlySpan<byte> data = sent.Revocation;
        Assert.True(Revocation.TryRead(ref data, out Revocation? revocation));
        return revocation;
    }

    private sealed class Signers(NodeIdentity controller) : ISignerDirectory
    {
        public NodeIdentity? Find(NodeId node) => node == controller.Address ? controller : null;
    }
}
