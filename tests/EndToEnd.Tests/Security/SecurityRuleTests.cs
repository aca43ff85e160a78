using System.Buffers.Binary;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.IpStack;
using ZeroTier.Testing;

namespace EndToEnd.Tests.Security;

/// <summary>
/// Section 18 of the transport contract, the other points, with Kestrel on top. Alone in the process: memory and sockets are counted.
/// </summary>
[CollectionDefinition(nameof(SecurityRuleTests), DisableParallelization = true)]
[Collection(nameof(SecurityRuleTests))]
public sealed class SecurityRuleTests(ITestOutputHelper output)
{
    private const long MemoryCeiling = 48 * 1024 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_18_1_There_is_no_local_control_endpoint()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Looks into /proc.");
        }

        var before = Listening();
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        Assert.Empty(Listening().Except(before));
    }

    [Fact]
    public Task Rule_18_2_A_syn_flood_has_a_memory_ceiling_and_others_are_served() => AttackAsync("tcp.half-open", (hostile, server, i) =>
        hostile.SendSegment(server, Own(hostile, i), new RawSegment((ushort)(i * 7919), SecuredApp.Port, (uint)i, 0, RawSegment.Syn, [])));

    [Fact]
    public Task Rule_18_2_Fragments_that_never_complete_have_a_memory_ceiling_and_others_are_served()
    {
        byte[] fragment = new byte[8 + 1200];
        fragment[0] = (byte)IpProtocol.Tcp;
        return AttackAsync("ip.reassembly-limit", (hostile, server, i) =>
        {
            BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(2), (ushort)((1 + i % 40 * 150) << 3 | 1));
            BinaryPrimitives.WriteInt32BigEndian(fragment.AsSpan(4), i);
            hostile.SendPacket(
                server, RawPackets.Ip(Own(hostile, i), hostile.Addressing.SixPlane(server), IpProtocol.FragmentHeader, fragment));
        });
    }

    [Fact]
    public async Task Rule_18_2_Clients_that_never_open_their_window_have_a_memory_ceiling_and_are_ended()
    {
        const int Clients = 200;
        const int CeilingOfOne = 512 * 1024;
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(
            network,
            TestNetwork.Network,
            kestrel => kestrel.Limits.MinResponseDataRate = new MinDataRate(100_000, TimeSpan.FromSeconds(3)),
            Cancel);
        await using var hostile = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        using var http = await network.CreateClientAsync(app.App.Services, cancellationToken: Cancel);
        await http.GetStringAsync("/", Cancel);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (ushort i = 0; i < Clients; i++)
        {
            var connection = await RawConnection.OpenAsync(
                hostile, app.Node.Id, (ushort)(10_000 + i), SecuredApp.Port, window: 1000, Cancel);
            connection.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", window: 0);
        }

        await SecuredApp.EventuallyAsync(() => app.Callers.Count == Clients + 1, () => $"{app.Callers.Count} connections");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{Clients} clients with a closed window hold {grown / 1024 / Clients} KiB each");
        Assert.True(grown < Clients * CeilingOfOne, $"{Clients} clients with a closed window hold {grown / 1024} KiB.");
        await http.GetStringAsync("/", Cancel);

        // Kestrel's limit on slow readers ends them: nothing else would.
        await SecuredApp.EventuallyAsync(
            () => app.Node.GetStatistics().TcpConnections <= 1, () => $"{app.Node.GetStatistics().TcpConnections} connections are left");
        await http.GetStringAsync("/", Cancel);
    }

    [Fact]
    public async Task Rule_18_3_What_the_rules_forbid_never_reaches_the_app()
    {
        var rules = NetworkId.AdHoc(SecuredApp.Port, SecuredApp.Port + 10);
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, rules, cancellationToken: Cancel);
        await using var hostile = await RawMember.StartAsync(network, rules, Cancel);
        var server = app.Node.Id;

        // A closed port gets no answer at all; IPv4 and ARP are not part of such a network.
        hostile.SendSegment(server, hostile.Address, new RawSegment(4444, 22, 1, 0, RawSegment.Syn, []));
        hostile.SendFrame(server, EtherTypes.IPv4, new byte[40]);
        hostile.SendFrame(server, EtherTypes.Arp, new byte[28]);
        await app.DroppedAsync("vl2.filtered-in", 3);
        Assert.Equal(0, app.Node.GetStatistics().TcpSegmentsReceived);
        await RawConnection.OpenAsync(hostile, server, 4444, SecuredApp.Port, ushort.MaxValue, Cancel);

        // The app itself is told when it asks for such a port.
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            async () => await app.Node.ListenAsync(new ZeroTierEndPoint(rules, 22), cancellationToken: Cancel));
        Assert.Equal(ZeroTierError.NotPermitted, error.Error);
    }

    [Fact]
    public async Task Rule_18_3_A_network_whose_rules_are_not_known_carries_nothing()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        var id = NetworkId.Parse("8056c2e21c000001");
        await using var node = new ManagedNode(await network.ConfigureAsync(new ManagedNodeOptions { Networks = [id] }, Cancel));
        await node.StartAsync(Cancel);
        var joined = Assert.Single(node.Networks);
        Assert.Equal(ZeroTierNetworkStatus.RequestingConfiguration, joined.Status);
        Assert.Empty(joined.Addresses);
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            async () => await node.ListenAsync(new ZeroTierEndPoint(id, 8080), cancellationToken: Cancel));
        Assert.Equal(ZeroTierError.NetworkUnavailable, error.Error);
    }

    /// <summary>Sends so much that most of it must be refused, for the reason that says that it came to where the bound is.</summary>
    private static async Task AttackAsync(string reason, Action<RawMember, NodeId, int> send)
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        await using var hostile = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        using var http = await network.CreateClientAsync(app.App.Services, cancellationToken: Cancel);
        await http.GetStringAsync("/", Cancel);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 20_000; i++)
        {
            send(hostile, app.Node.Id, i);
            if (i % 200 == 0)
            {
                await Task.Delay(1, Cancel);
            }
        }

        await SecuredApp.EventuallyAsync(
            () => app.Node.GetStatistics().Dropped.GetValueOrDefault(reason) > 5_000,
            () => string.Join(", ", app.Node.GetStatistics().Dropped));
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < MemoryCeiling, $"The attack left {grown / 1024} KiB behind.");
        await using var other = await network.StartNodeAsync(cancellationToken: Cancel);
        using var second = await network.CreateClientAsync(app.App.Services, other, Cancel);
        Assert.StartsWith($"[{other.Id}", await second.GetStringAsync("/", Cancel), StringComparison.Ordinal);
    }

    /// <summary>Another one of the member's own addresses.</summary>
    private static IpAddress Own(RawMember member, int i) => IpAddress.FromIPv6(member.Address.Value + (ushort)i);

    /// <summary>This process's sockets that listen: TCP and Unix.</summary>
    private static HashSet<string> Listening()
    {
        var tcp = ProcessSockets.Of("tcp").Concat(ProcessSockets.Of("tcp6")).Where(f => f[3] == "0A").Select(f => f[9]);
        var unix = ProcessSockets.Of("unix").Where(f => f[3] == "00010000").Select(f => f[6]);
        return [.. tcp, .. unix];
    }
}
