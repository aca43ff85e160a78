using System.Text;
using System.Text.Json;

namespace ZeroTier.Controller.Tests;

public class ControllerJsonTests
{
    private static readonly DateTimeOffset Time = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private static readonly NetworkId Id = new(0x1234567890_000001);

    [Fact]
    public void A_network_reads_back_with_everything_it_had()
    {
        byte[] text = ControllerJson.Write(SampleRecords.Network(Id, Time));
        ControllerNetwork read = ControllerJson.ReadNetwork(text);
        Assert.Equal(Encoding.UTF8.GetString(text), Encoding.UTF8.GetString(ControllerJson.Write(read)));
        ControllerNetwork plain = new() { Id = Id };
        foreach (var property in typeof(ControllerNetwork).GetProperties().Where(p => p.CanWrite && p.Name != "Id"))
        {
            Assert.False(Equals(property.GetValue(plain), property.GetValue(read)), property.Name);
        }
    }

    [Fact]
    public void A_member_reads_back_with_everything_it_had()
    {
        byte[] text = ControllerJson.Write(SampleRecords.Member(Id, TestIdentities.Get(1), Time));
        ControllerMember read = ControllerJson.ReadMember(text);
        Assert.Equal(Encoding.UTF8.GetString(text), Encoding.UTF8.GetString(ControllerJson.Write(read)));
        ControllerMember plain = new() { Network = Id, Node = read.Node };
        foreach (var property in typeof(ControllerMember).GetProperties().Where(p => p.CanWrite && p.Name is not ("Network" or "Node")))
        {
            Assert.False(Equals(property.GetValue(plain), property.GetValue(read)), property.Name);
        }
    }

    [Fact]
    public void A_new_network_has_the_keys_and_defaults_that_programs_expect()
    {
        using var json = JsonDocument.Parse(ControllerJson.Write(new ControllerNetwork { Id = Id, CreationTime = Time }));
        Assert.Equal(
            """
            {"id":"1234567890000001","nwid":"1234567890000001","objtype":"network","creationTime":1795867200000,"revision":1,
            "name":"","private":true,"enableBroadcast":true,"multicastLimit":32,"mtu":2800,"v4AssignMode":{"zt":false},
            "v6AssignMode":{"6plane":false,"rfc4193":false,"zt":false},"routes":[],
            "ipAssignmentPools":[],"dns":[],"rules":[{"type":"ACTION_ACCEPT"}],"capabilities":[],"tags":[],"authTokens":[null],
            "remoteTraceTarget":null,"remoteTraceLevel":0,"rulesSource":"","ssoEnabled":false,"clientId":"","authorizationEndpoint":""}
            """.ReplaceLineEndings(""),
            json.RootElement.GetRawText());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":"12345"}""")]
    public void What_is_no_network_is_refused(string text) =>
        Assert.Throws<JsonException>(() => ControllerJson.ReadNetwork(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("""{"id":"1234567890000001","name":7,"mtu":"x","routes":{}"""
        + ""","ipAssignmentPools":[1,{"ipRangeStart":"10.0.0.1","ipRangeEnd":"fd00::1"}],"dns":7,"authTokens":[null]}""")]
    [InlineData("""{"id":"1234567890000001","routes":[{"target":"10.0.0.0/33"},{"target":7},{"target":"x/8"},null]"""
        + ""","creationTime":-1,"certificateTimeoutWindowSize":-5}""")]
    [InlineData("""{"id":"1234567890000001","creationTime":9223372036854775807,"v4AssignMode":"zt","clock":5,"totalMemberCount":3}""")]
    public void Values_of_wrong_types_count_as_missing(string text)
    {
        ControllerNetwork read = ControllerJson.ReadNetwork(Encoding.UTF8.GetBytes(text)) with { CreationTime = default };
        Assert.Equal(ControllerJson.Write(new ControllerNetwork { Id = Id }), ControllerJson.Write(read));
    }
}
