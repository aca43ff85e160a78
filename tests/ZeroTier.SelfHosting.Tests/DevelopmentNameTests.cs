using ZeroTier.Managed;

namespace ZeroTier.SelfHosting.Tests;

/// <summary>Names that apps announce on the development network.</summary>
public sealed class DevelopmentNameTests : IDisposable
{
    private static readonly NodeId Orders = new(0x89e92ceee5);
    private static readonly NodeId Stock = new(0x8056c2e21c);
    private readonly TestFolder _folder = new TestFolder().WithRootIdentity();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Other_members_find_the_one_that_has_a_name_until_it_gives_it_up()
    {
        await using var network = await OpenAsync();
        await using var second = await OpenAsync();
        var find = second.Configure(new ManagedNodeOptions()).FindHost!;
        Assert.Null(find("orders"));

        var name = network.AnnounceName("Orders", Orders, DevelopmentNetwork.Network);

        Assert.Equal("orders", name!.Name);
        foreach (string host in new[] { "orders", "ORDERS", "orders.zt", "Orders.ZT." })
        {
            Assert.Equal(ZeroTierName.Of(Orders, DevelopmentNetwork.Network), find(host));
        }

        Assert.Null(find("order"));
        Assert.Null(find("orders.example"));
        name.Dispose();
        Assert.Null(find("orders"));
    }

    [Fact]
    public async Task Who_has_a_name_first_keeps_it()
    {
        await using var network = await OpenAsync();
        await using var second = await OpenAsync();
        var first = network.AnnounceName("orders", Orders, DevelopmentNetwork.Network);

        Assert.Null(second.AnnounceName("orders", Stock, DevelopmentNetwork.Network));
        Assert.Equal(ZeroTierName.Of(Orders, DevelopmentNetwork.Network), second.Configure(new ManagedNodeOptions()).FindHost!("orders"));

        first!.Dispose();
        using var later = second.AnnounceName("orders", Stock, DevelopmentNetwork.Network);
        first.Dispose();
        Assert.Equal(ZeroTierName.Of(Stock, DevelopmentNetwork.Network), network.Configure(new ManagedNodeOptions()).FindHost!("orders"));
    }

    [Theory]
    [InlineData("Shop.Orders_Api", "shop-orders-api")]
    [InlineData("--a--b--", "a-b")]
    [InlineData("../../etc/passwd", "etc-passwd")]
    [InlineData("Bücher", "b-cher")]
    [InlineData("", null)]
    [InlineData("---", null)]
    [InlineData("localhost", null)]
    [InlineData("8056C2E21C", null)]
    public async Task Name_of_an_application_becomes_a_label_of_a_host_name(string application, string? expected)
    {
        await using var network = await OpenAsync();
        using var name = network.AnnounceName(application, Orders, DevelopmentNetwork.Network);
        Assert.Equal(expected, name?.Name);
    }

    [Fact]
    public async Task Label_has_63_characters_at_most()
    {
        await using var network = await OpenAsync();
        using var name = network.AnnounceName(new string('a', 62) + "-b", Orders, DevelopmentNetwork.Network);
        Assert.Equal(new string('a', 62), name!.Name);
    }

    [Fact]
    public async Task What_is_no_name_of_a_member_leads_nowhere()
    {
        await using var network = await OpenAsync();
        using var name = network.AnnounceName("orders", Orders, DevelopmentNetwork.Network);
        var find = network.Configure(new ManagedNodeOptions()).FindHost!;
        foreach (string content in new[] { "", "evil.example", "127.0.0.1", new string('a', 10_000) })
        {
            await File.WriteAllTextAsync(_folder["dev", "names", "orders.name"], content, Cancel);
            Assert.Null(find("orders"));
        }
    }

    [Fact]
    public async Task Names_are_bounded()
    {
        await using var network = await OpenAsync();
        using var first = network.AnnounceName("orders", Orders, DevelopmentNetwork.Network);
        for (int i = 1; i < 1024; i++)
        {
            await File.WriteAllTextAsync(_folder["dev", "names", $"n{i}.name"], "", Cancel);
        }

        Assert.Equal(
            ZeroTierError.Storage,
            Assert.Throws<ZeroTierException>(() => network.AnnounceName("stock", Stock, DevelopmentNetwork.Network)).Error);
        using var known = network.AnnounceName("n7", Stock, DevelopmentNetwork.Network);
        Assert.NotNull(known);
    }

    private Task<DevelopmentNetwork> OpenAsync() =>
        DevelopmentNetwork.OpenAsync(new DevelopmentNetworkOptions { Path = _folder["dev"] }, Cancel);
}
