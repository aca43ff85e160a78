namespace ZeroTier.Tests;

public class IdTests
{
    [Theory]
    [InlineData("63cc745077")]
    [InlineData("0000000001")]
    [InlineData("ffffffffff")]
    public void Node_id_text_round_trips(string text) => Assert.Equal(text, NodeId.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("63cc74507")]
    [InlineData("63cc7450771")]
    [InlineData("63cc74507g")]
    [InlineData("0x63cc7450")]
    [InlineData(" 63cc74507")]
    [InlineData("+63cc74507")]
    public void Node_id_bad_text_is_refused_with_an_example(string text)
    {
        Assert.False(NodeId.TryParse(text, out _));
        Assert.Contains("8056c2e21c", Assert.Throws<FormatException>(() => NodeId.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Node_id_forty_one_bits_throws() => Assert.Throws<ArgumentOutOfRangeException>(() => new NodeId(1UL << 40));

    [Fact]
    public void Node_id_upper_case_is_accepted_and_written_lower_case() =>
        Assert.Equal("63cc745077", NodeId.Parse("63CC745077").ToString());

    [Theory]
    [InlineData(0UL, true)]
    [InlineData(0xff_0000_0000UL, true)]
    [InlineData(0xfe_ffff_ffffUL, false)]
    [InlineData(1UL, false)]
    public void Node_id_is_reserved(ulong value, bool expected) => Assert.Equal(expected, new NodeId(value).IsReserved);

    [Fact]
    public void Network_id_controller_is_the_upper_forty_bits()
    {
        var network = NetworkId.Parse("8056c2e21c000001");

        Assert.Equal(NodeId.Parse("8056c2e21c"), network.Controller);
        Assert.False(network.IsAdHoc);
        Assert.Equal("8056c2e21c000001", network.ToString());
    }

    [Fact]
    public void Network_id_ad_hoc_has_the_ports_and_no_controller()
    {
        var network = NetworkId.AdHoc(22, 80);

        Assert.Equal("ff00160050000000", network.ToString());
        Assert.True(network.IsAdHoc);
        Assert.Null(network.Controller);
        Assert.Throws<ArgumentException>(() => NetworkId.AdHoc(81, 80));
    }

    [Theory]
    [InlineData("")]
    [InlineData("8056c2e21c00001")]
    [InlineData("8056c2e21c0000011")]
    [InlineData("8056c2e21c00000g")]
    public void Network_id_bad_text_is_refused(string text)
    {
        Assert.False(NetworkId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => NetworkId.Parse(text));
    }

    [Fact]
    public void Ids_are_parsed_from_parts_of_a_text()
    {
        Assert.Equal(new NodeId(0x63cc745077), NodeId.Parse("63cc745077.8056c2e21c000001.zt".AsSpan(0, 10), null));
        Assert.Equal(new NetworkId(0x8056c2e21c000001), NetworkId.Parse("63cc745077.8056c2e21c000001.zt".AsSpan(11, 16), null));
        Assert.False(NodeId.TryParse("63cc745077.".AsSpan(), null, out _));
        Assert.False(NetworkId.TryParse((string?)null, null, out _));
        Assert.Throws<ArgumentNullException>(() => NetworkId.Parse(null!));
    }

    [Fact]
    public void Ids_are_parsed_by_generic_code()
    {
        Assert.Equal(new NodeId(0x63cc745077), Parse<NodeId>("63cc745077"));
        Assert.Equal(new NetworkId(1), Parse<NetworkId>("0000000000000001"));

        static T Parse<T>(string text)
            where T : IParsable<T> => T.Parse(text, null);
    }

    [Fact]
    public void Ids_are_written_as_characters_and_as_bytes()
    {
        var node = new NodeId(0xa);
        var network = new NetworkId(0xb);
        Span<char> chars = stackalloc char[NetworkId.TextLength];
        Span<byte> bytes = stackalloc byte[NetworkId.TextLength];
        Assert.True(node.TryFormat(chars, out int written, default, null));
        Assert.Equal("000000000a", chars[..written].ToString());
        Assert.True(network.TryFormat(chars, out written, "G", null));
        Assert.Equal("000000000000000b", chars[..written].ToString());
        Assert.True(node.TryFormat(bytes, out written, default, null));
        Assert.Equal("000000000a"u8, bytes[..written]);
        Assert.True(network.TryFormat(bytes, out written, default, null));
        Assert.Equal("000000000000000b"u8, bytes[..written]);
        Assert.False(node.TryFormat(chars[..9], out written, default, null));
        Assert.Equal(0, written);
        Assert.Equal("000000000a on 000000000000000b", $"{node} on {network}");
    }

    [Fact]
    public void Ids_have_one_format()
    {
        Assert.Equal("0000000001", new NodeId(1).ToString("G", null));
        Assert.Throws<FormatException>(() => new NodeId(1).ToString("x", null));
        Assert.Throws<FormatException>(() => new NetworkId(1).ToString("N", null));
    }
}
