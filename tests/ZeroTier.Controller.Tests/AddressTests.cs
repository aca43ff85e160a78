using System.Net;
using ZeroTier.Controller.Members;
using ZeroTier.Managed;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests;

/// <summary>Addresses of members (docs/protocol/5-http-api.md 5.7.2).</summary>
public class AddressTests
{
    private static readonly NodeIdentity Alice = TestIdentities.All[1];
    private static readonly NodeIdentity Bob = TestIdentities.All[2];

    private static readonly NetworkId Id = new(0x1234567890_000001);

    [Theory]
    [InlineData("0844d636d6", "10.66.0.91")]
    [InlineData("035472eb06", "10.66.0.211")]
    public void The_first_address_of_a_node_is_the_one_that_ZeroTierOne_gives(string node, string expected)
    {
        ControllerNetwork network = Addressing.Pool("10.66.0.1", "10.66.0.254", "10.66.0.0")(new ControllerNetwork { Id = Id });
        Assert.Equal(IPAddress.Parse(expected), AddressAssignment.FindIPv4(network, NodeId.Parse(node), new AddressTable()));
    }

    [Fact]
    public void The_first_IPv6_address_of_a_node_is_the_one_that_ZeroTierOne_gives()
    {
        ControllerNetwork network = new()
        {
            Id = Id,
            Routes = [new NetworkRoute(IPAddress.Parse("fd00:66::"), 64, null)],
            AddressPools = [new AddressPool(IPAddress.Parse("fd00:66::"), IPAddress.Parse("fd00:66::ffff:ffff:ffff:ffff"))],
        };
        Assert.Equal(
            IPAddress.Parse("fd00:66::8:44d6:36d6"), AddressAssignment.FindIPv6(network, NodeId.Parse("0844d636d6"), new AddressTable(),
                new SeededRandom(1)));
    }

    [Fact]
    public async Task Members_keep_their_addresses_and_an_exhausted_pool_is_a_state()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.0.0.10", "10.0.0.11"));
        await bench.AuthorizeAsync(network.Id, Alice);
        await bench.AuthorizeAsync(network.Id, Bob);
        HasAddresses(bench.Ask(network.Id, Alice)!, "10.0.0.10/24");
        Assert.Empty(bench.Ask(network.Id, Bob)!.Configuration.Addresses);
        Assert.Equal(AddressState.IPv4PoolExhausted, bench.Controller.FindMember(network.Id, Bob.Address)!.Addresses);
        await bench.RestartAsync();
        HasAddresses(bench.Ask(network.Id, Alice)!, "10.0.0.10/24");

        // Freed by a deletion; deauthorising alone frees nothing.
        await bench.UpdateAsync(network.Id, Alice, m => m with { IsAuthorized = false });
        Assert.Empty(bench.AskLater(network.Id, Bob)!.Configuration.Addresses);
        await bench.Controller.DeleteMemberAsync(
            network.Id, Alice.Address, null, ControllerBench.Admin, TestContext.Current.CancellationToken);
        HasAddresses(bench.AskLater(network.Id, Bob)!, "10.0.0.10/24");
        Assert.Equal(AddressState.Complete, bench.Controller.FindMember(network.Id, Bob.Address)!.Addresses);
    }

    /// <summary>A configuration has 32 at most: those that others derive from the node's ID are among them.</summary>
    [Fact]
    public async Task A_member_with_too_many_addresses_still_has_those_of_its_node()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => Addressing.Pool("10.0.0.10", "10.0.0.99")(n) with
        {
            IPv6Assignment = IPv6Assignment.Rfc4193 | IPv6Assignment.SixPlane,
        });
        await bench.AuthorizeAsync(network.Id, Alice);
        await bench.UpdateAsync(
            network.Id, Alice, m => m with { Addresses = [.. Enumerable.Range(100, 40).Select(i => IPAddress.Parse($"10.0.0.{i}"))] });

        var addresses = bench.Ask(network.Id, Alice)!.Configuration.Addresses;
        Assert.Equal(32, addresses.Length);
        Assert.Contains(addresses, a => a.Address == IpAddress.From(network.Id.GetRfc4193Address(Alice.Address)));
        Assert.Contains(addresses, a => a.Address == IpAddress.From(network.Id.GetSixPlaneAddress(Alice.Address)));
    }

    [Fact]
    public async Task A_larger_pool_reaches_the_members_that_wait_for_an_address()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.0.0.10", "10.0.0.11"));
        foreach (NodeIdentity node in new[] { Alice, Bob })
        {
            await bench.AuthorizeAsync(network.Id, node);
            bench.Ask(network.Id, node);
        }

        bench.Port.Sent.Clear();
        await bench.UpdateAsync(network.Id, Addressing.Pool("10.0.0.10", "10.0.0.20"));
        Assert.Equal(2, bench.Port.Pushes.Count());
        Assert.All(bench.Port.Pushes, push => Assert.Single(push.Configuration.Addresses));
        Assert.Equal(2, bench.Port.Pushes.SelectMany(p => p.Configuration.Addresses).Distinct().Count());
    }

    [Fact]
    public async Task Fixed_addresses_are_sent_with_the_longest_prefix_of_their_routes_and_belong_to_one_member()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(n => Addressing.Pool("10.0.0.10", "10.0.0.20")(n) with
        {
            Routes =
            [
                new(IPAddress.Parse("10.0.0.0"), 8, null),
                new(IPAddress.Parse("10.0.0.0"), 24, null),
                new(IPAddress.Parse("fd00::"), 64, null),
            ],
        });
        await bench.UpdateAsync(
            network.Id, Alice, m => m with
            {
                IsAuthorized = true,
                Addresses = [IPAddress.Parse("10.0.0.99"), IPAddress.Parse("10.9.9.9"),
                IPAddress.Parse("192.168.1.1"), IPAddress.Parse("fd00::9")]
            });
        HasAddresses(bench.Ask(network.Id, Alice)!, "10.0.0.99/24", "10.9.9.9/8", "fd00::9/64");
        await bench.AuthorizeAsync(network.Id, Bob);
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => bench.UpdateAsync(network.Id, Bob, m =>
            m with { Addresses = [IPAddress.Parse("10.0.0.99")] }));
        Assert.Contains(Alice.Address.ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_records_with_one_address_the_older_has_it_and_the_other_says_so()
    {
        var store = new MemoryControllerStore();
        NetworkId id = new((TestIdentities.All[0].Address.Value << 24) | 1);
        ControllerMember Record(NodeIdentity node, int age) => new()
        {
            Network = id,
            Node = node.Address,
            IsAuthorized = true,
            CreationTime = DateTimeOffset.UnixEpoch.AddDays(10 - age),
            Addresses = [IPAddress.Parse("10.0.0.99")],
        };
        await store.WriteAsync(
            [
                new NetworkWrite(Addressing.Pool("10.0.0.10", "10.0.0.20")(new ControllerNetwork { Id = id })) { ExpectedRevision = 0 },
                new MemberWrite(Record(Alice, 1)) { ExpectedRevision = 0 }, new MemberWrite(Record(Bob, 2)) { ExpectedRevision = 0 },
            ],
            [],
            TestContext.Current.CancellationToken);
        await using var bench = await ControllerBench.StartAsync(store);
        NetworkConfiguration alice = bench.Ask(id, Alice)!.Configuration;
        HasAddresses(bench.Ask(id, Bob)!, "10.0.0.99/24");
        Assert.DoesNotContain(IPAddress.Parse("10.0.0.99"), alice.Addresses.Select(a => a.Address.ToIPAddress()));
        Assert.Equal(AddressState.Conflict, bench.Controller.FindMember(id, Alice.Address)!.Addresses);
    }

    [Fact]
    public async Task Derived_addresses_follow_from_the_modes_and_are_owned()
    {
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(
            n => n with { IPv6Assignment = IPv6Assignment.Rfc4193 | IPv6Assignment.SixPlane });
        await bench.AuthorizeAsync(network.Id, Alice);
        NetworkConfiguration configuration = bench.Ask(network.Id, Alice)!.Configuration;
        IPAddress[] expected = [network.Id.GetRfc4193Address(Alice.Address), network.Id.GetSixPlaneAddress(Alice.Address)];
        Assert.Equal(expected, configuration.Addresses.Select(a => a.Address.ToIPAddress()));
        Assert.Equal([88, 40], configuration.Addresses.Select(a => a.PrefixLength));
        Assert.Equal(expected, Assert.Single(configuration.Ownership).Addresses.Select(a => a.ToIPAddress()));
        Assert.True(configuration.Flags.HasFlag(NetworkFlags.NdpEmulation));
        await bench.UpdateAsync(network.Id, Alice, m => m with { AssignsAddresses = false });
        Assert.Empty(bench.AskLater(network.Id, Alice)!.Configuration.Addresses);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void No_address_is_given_twice_or_where_none_may_be(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (int round = 0; round < 200; round++)
        {
            int prefix = 16 + random.Next(15);
            uint mask = uint.MaxValue << (32 - prefix), target = (0x0a00_0000 | ((uint)random.NextUInt64() & 0xffffff)) & mask;
            uint first = (target + (uint)random.Next(300)) | (random.Chance(0.1) ? 0u : 1u), last = first + (uint)random.Next(400);
            IPAddress router = IpAddress.FromIPv4(first + (uint)random.Next(3)).ToIPAddress();
            ControllerNetwork network = Addressing.Pool(
                IpAddress.FromIPv4(first).ToString(), IpAddress.FromIPv4(last).ToString(), IpAddress.FromIPv4(target).ToString(),
                    prefix)(new ControllerNetwork { Id = Id });
            network = network with { Routes = network.Routes.Add(new NetworkRoute(IPAddress.Any, 0, router)) };
            var table = new AddressTable();
            var given = new HashSet<IPAddress>();
            uint possible = 0;
            for (uint a = first; a < last; a++)
            {
                possible += IsFree(a) ? 1u : 0;
            }

            bool isOne = first == last;
            for (uint i = 0; i < 450; i++)
            {
                var node = new NodeId(0x10_0000_0000UL + ((uint)random.NextUInt64() >> 8));
                if (AddressAssignment.FindIPv4(network, node, table) is not { } address)
                {
                    // Every address that may be given was.
                    Assert.True(
                        isOne || given.Count == possible, $"{given.Count} of {possible} in {first:x}-{last:x} of {target:x}/{prefix}");
                    break;
                }

                Assert.True(given.Add(address), $"{address} twice");
                uint value = (uint)IpAddress.From(address).Value;
                Assert.True(isOne || IsFree(value), $"{address} in {first:x}-{last:x} of {target:x}/{prefix}, router {router}");
                table.Replace(new ControllerMember { Network = network.Id, Node = node }, [], [address]);
            }

            bool IsFree(uint a) =>
                a >= first && a < last && (a & mask) == target && (a & ~mask) != 0 && (a & ~mask) != ~mask && (byte)a is not (0 or 255) &&
                    !router.Equals(IpAddress.FromIPv4(a).ToIPAddress());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void No_IPv6_address_is_given_twice(ulong seed)
    {
        var random = new SeededRandom(seed);
        foreach (string last in (string[])["fd00::7", "fd00::ffff", "fd00::ff:ffff:ffff", "fd00::ffff:ffff:ffff:ffff"])
        {
            ControllerNetwork network = new()
            {
                Id = Id,
                Routes =
                [
                    new NetworkRoute(IPAddress.Parse("fd00::"), 64, null),
                    new NetworkRoute(IPAddress.Parse("fd01::"), 64, IPAddress.Parse("fd00::3")),
                ],
                AddressPools = [new AddressPool(IPAddress.Parse("fd00::"), IPAddress.Parse(last))],
            };
            var table = new AddressTable();
            var given = new HashSet<IPAddress>();
            for (uint i = 0; i < 500; i++)
            {
                var node = new NodeId(0x10_0000_0000UL + (uint)random.NextUInt64());
                if (AddressAssignment.FindIPv6(network, node, table, random) is not { } address)
                {
                    break;
                }

                Assert.True(given.Add(address));
                Assert.NotEqual(IPAddress.Parse("fd00::"), address);
                Assert.NotEqual(IPAddress.Parse("fd00::3"), address);
                table.Replace(new ControllerMember { Network = network.Id, Node = node }, [], [address]);
            }

            Assert.Equal(last == "fd00::7" ? 6 : 500, given.Count);
        }
    }

    private static void HasAddresses(Sent sent, params string[] expected) =>
        Assert.Equal(expected, sent.Configuration.Addresses.Select(a => $"{a.Address}/{a.PrefixLength}"));
}
