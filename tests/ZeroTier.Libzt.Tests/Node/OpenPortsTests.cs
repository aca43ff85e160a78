using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt.Tests.Node;

public sealed class OpenPortsTests
{
    [Fact]
    public void Of_an_ad_hoc_network_reads_them_from_the_id()
    {
        var ports = OpenPorts.Of(NetworkId.AdHoc(8080, 8090));

        Assert.Equal(new OpenPorts(8080, 8090), ports);
        Assert.False(ports.IsAll);
        Assert.Equal([.. Enumerable.Range(8087, 4), .. Enumerable.Range(8080, 7)], ports.From(new FixedRandom(7)));
        ports.Require(new ZeroTierEndPoint(NetworkId.AdHoc(8080, 8090), 8085));
        var error = Assert.Throws<ZeroTierException>(() => ports.Require(new ZeroTierEndPoint(NetworkId.AdHoc(8080, 8090), 80)));
        Assert.Equal(ZeroTierError.NotPermitted, error.Error);
        Assert.Contains("8080 to 8090", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8056c2e21c000001")]
    [InlineData("ff0000ffff000000")]
    [InlineData("ff0a000000000001")]
    public void Of_other_networks_are_all(string network) => Assert.True(OpenPorts.Of(NetworkId.Parse(network)).IsAll);

    private sealed class FixedRandom(int value) : Random
    {
        public override int Next(int maxValue) => value;
    }
}
