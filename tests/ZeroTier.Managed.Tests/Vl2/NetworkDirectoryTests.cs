using System.Globalization;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Tests.Vl2;

public class NetworkDirectoryTests
{
    [Fact]
    public void Join_RecordedPortRangeNetworks_MakesTheReferencesConfiguration()
    {
        foreach (var item in VectorFile.Json("vl2.json").GetProperty("adhoc_networks").EnumerateArray())
        {
            var network = NetworkId.Parse(item.GetProperty("network_id").GetString()!);
            if ((network.Value & 0xff_ffff) != 0)
            {
                continue;
            }

            var node = NodeId.Parse(item.GetProperty("node_address").GetString()!);
            var result = NetworkDirectory.Join(network, node);

            Assert.Equal((ZeroTierNetworkStatus)item.GetProperty("status_after").GetInt32(), result.Status);
            Assert.Equal(item.GetProperty("mac").GetString(), new MemberAddressing(network).Mac(node).ToString());
            if (result.Configuration is null)
            {
                Assert.False(item.GetProperty("has_config").GetBoolean());
                Assert.NotNull(result.Detail);
                continue;
            }

            var fields = item.GetProperty("config").GetProperty("fields");
            Assert.Equal(fields.GetProperty("n").GetString(), result.Configuration.Name);
            Assert.Equal(fields.GetProperty("mtu").GetInt32(), result.Configuration.Mtu);
            Assert.Equal(fields.GetProperty("t").GetInt32() == 1, result.Configuration.IsPublic);
            Assert.Equal(
                fields.GetProperty("I").EnumerateArray().Select(a => a.GetString()!),
                result.Configuration.Addresses.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Address}/{a.PrefixLength}")));
        }
    }

    [Theory]
    [InlineData("8056c2e21c000001", ZeroTierNetworkStatus.NotSupported)]
    [InlineData("ff0a000000000001", ZeroTierNetworkStatus.NotSupported)]
    [InlineData("ff00160050000002", ZeroTierNetworkStatus.NotFound)]
    [InlineData("ff00500016000000", ZeroTierNetworkStatus.NotFound)]
    public void Join_NetworkThatCannotBeMade_SaysWhyAndWhatToDo(string id, ZeroTierNetworkStatus status)
    {
        var result = NetworkDirectory.Join(NetworkId.Parse(id), NodeId.Parse("63cc745077"));

        Assert.Equal(status, result.Status);
        Assert.Null(result.Configuration);
        Assert.Contains(id, result.Detail, StringComparison.Ordinal);
    }
}
