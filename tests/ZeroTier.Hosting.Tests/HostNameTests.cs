namespace ZeroTier.Hosting.Tests;

/// <summary>Which hosts belong to a node's networks, and which of them name a member.</summary>
public sealed class HostNameTests
{
    // Every port is open, and members have IPv4 addresses in 10.0.0.0/8.
    private static readonly NetworkId WithIPv4 = NetworkId.Parse("ff0a000000000001");
    private static readonly NodeId Member = new(0x89e92ceee5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Host_belongs_to_the_networks_or_to_the_machine()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync([Testing.TestNetwork.Network, WithIPv4], Cancel);
        string[] ours =
        [
            "10.1.2.3",
            "anything.zt",
            "Anything.ZT.",
            ZeroTierName.Of(Member, NetworkId.AdHoc(1, 2)),
            $"{WithIPv4.GetSixPlaneAddress(Member)}",
        ];
        string[] others =
        [
            "11.1.2.3", "127.0.0.1", "::1", "2001:db8::1", $"{NetworkId.AdHoc(1, 2).GetSixPlaneAddress(Member)}", "orders", "localhost",
            "orders.example", "zt", "a.zt.example", "",
        ];

        Assert.All(ours, host => Assert.True(ZeroTierName.BelongsTo(node, host), host));
        Assert.All(others, host => Assert.False(ZeroTierName.BelongsTo(node, host), host));
    }

    [Fact]
    public async Task Host_names_a_member_by_itself_or_not_at_all()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync([Testing.TestNetwork.Network, WithIPv4], Cancel);
        var elsewhere = NetworkId.AdHoc(1, 2);
        (string Host, NetworkId Network)[] members =
        [
            (ZeroTierName.Of(Member, elsewhere), elsewhere),
            ($"{Testing.TestNetwork.Network.GetSixPlaneAddress(Member)}", Testing.TestNetwork.Network),
            ($"{WithIPv4.GetSixPlaneAddress(Member)}", WithIPv4),
            ($"{WithIPv4.GetRfc4193Address(Member)}", WithIPv4),
        ];
        foreach (var (host, expected) in members)
        {
            Assert.True(ZeroTierName.TryFindMember(node, host, out var member, out var on), host);
            Assert.Equal((Member, expected), (member, on));
        }

        // An address that is assigned, one of a network that is not joined, and a short name where there are two networks.
        string[] others = ["10.233.46.229", $"{elsewhere.GetSixPlaneAddress(Member)}", $"{Member}.zt", "orders", ""];
        Assert.All(others, host => Assert.False(ZeroTierName.TryFindMember(node, host, out _, out _), host));
    }
}
