using System.Globalization;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Vl2;

public class AdHocSourceTests
{
    [Fact]
    public void Start_recorded_port_range_networks_makes_the_references_configuration()
    {
        foreach (var item in VectorFile.Json("vl2.json").GetProperty("adhoc_networks").EnumerateArray())
        {
            var network = NetworkId.Parse(item.GetProperty("network_id").GetString()!);
            if ((network.Value & 0xff_ffff) != 0)
            {
                continue;
            }

            var node = NodeId.Parse(item.GetProperty("node_address").GetString()!);
            var result = Start(network, node);

            Assert.Equal((ZeroTierNetworkStatus)item.GetProperty("status_after").GetInt32(), result.Status);
            Assert.Equal(item.GetProperty("mac").GetString(), new MemberAddressing(network).Mac(node).ToString());
            if (result.Configuration is null)
            {
                Assert.False(item.GetProperty("has_config").GetBoolean());
                Assert.NotNull(result.Failure?.Detail);
                continue;
            }

            var fields = item.GetProperty("config").GetProperty("fields");
            Assert.Equal(fields.GetProperty("n").GetString(), result.Configuration.Name);
            Assert.Equal(Convert.ToInt32(fields.GetProperty("f").GetString(), 16), (int)result.Configuration.Flags);
            Assert.Equal(fields.GetProperty("ml").GetInt32(), result.Configuration.MulticastLimit);
            Assert.Equal(fields.GetProperty("ctmd").GetUInt64(), result.Configuration.CredentialMaxDelta);
            Assert.Equal(fields.GetProperty("mtu").GetInt32(), result.Configuration.Mtu);
            Assert.Equal(fields.GetProperty("t").GetInt32() == 1, result.Configuration.IsPublic);
            Assert.Equal(
                fields.GetProperty("I").EnumerateArray().Select(a => a.GetString()!),
                result.Configuration.Addresses.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Address}/{a.PrefixLength}")));
        }
    }

    [Theory]
    [InlineData("ff00160050000002", ZeroTierNetworkStatus.NotFound)]
    [InlineData("ff00500016000000", ZeroTierNetworkStatus.NotFound)]
    public void Start_network_that_cannot_be_made_says_why_and_what_to_do(string id, ZeroTierNetworkStatus status)
    {
        var result = Start(NetworkId.Parse(id), NodeId.Parse("63cc745077"));

        Assert.Equal(status, result.Status);
        Assert.Null(result.Configuration);
        Assert.Contains(id, result.Failure?.Detail, StringComparison.Ordinal);
    }

    private static NetworkState Start(NetworkId network, NodeId self)
    {
        var sink = new Sink();
        new AdHocSource(network, self).Start(sink);
        return sink.State;
    }

    private sealed class Sink : IConfigurationSink
    {
        public NetworkState State { get; private set; } = NetworkState.Joined;

        public NetworkConfiguration? Configuration => State.Configuration;

        public void Apply(NetworkConfiguration configuration) => State = new NetworkState(configuration, null);

        public void Fail(NetworkFailure failure) => State = State with { Failure = failure };
    }
}
