using System.Net;

namespace ZeroTier.Names.Tests;

/// <summary>The reader of what name servers send: any bytes at all.</summary>
public class DnsResponseTests
{
    private static readonly DnsAsk V4 = new(0x1234, "nas.corp.example", DnsAsk.A, IsTcp: false, null);
    private static readonly DnsQuestion Question = new("nas.corp.example", DnsType.A);
    private static readonly IPAddress Address = IPAddress.Parse("10.1.2.3");

    [Fact]
    public void Question_is_read_by_a_server_as_it_was_meant()
    {
        var ask = DnsAsk.Read(new DnsQuestion("nas.corp.example", DnsType.Aaaa).Encode(0x4321), isTcp: false, null);

        Assert.Equal(new DnsAsk(0x4321, "nas.corp.example", DnsAsk.Aaaa, IsTcp: false, null), ask);
    }

    [Fact]
    public void Answer_gives_the_addresses_and_the_shortest_time_on_the_way_to_them()
    {
        var answer = new DnsAnswer(V4).AddAlias("nas.corp.example", "box.corp.example", 50)
            .Add(Address, 70, "box.corp.example")
            .Add(IPAddress.Parse("10.1.2.4"), 60, "box.corp.example")
            .Add(IPAddress.Parse("10.9.9.9"), 5, "other.corp.example");

        Assert.True(DnsResponse.TryRead(answer.ToArray(), 0x1234, Question, out var response));
        Assert.Equal(DnsOutcome.Answer, response.Outcome);
        Assert.Equal(["10.1.2.3", "10.1.2.4"], response.Addresses.Select(a => a.ToString()));
        Assert.Equal(TimeSpan.FromSeconds(50), response.TimeToLive);
        Assert.Null(response.Alias);
    }

    [Fact]
    public void Alias_without_addresses_is_to_be_asked_for()
    {
        Assert.True(
            DnsResponse.TryRead(
                new DnsAnswer(V4).AddAlias("nas.corp.example", "BOX.corp.example").ToArray(), 0x1234, Question, out var response));

        Assert.Equal("box.corp.example", response.Alias);
        Assert.Empty(response.Addresses);
    }

    [Fact]
    public void Aliases_in_a_circle_end_as_a_refusal()
    {
        var answer = new DnsAnswer(V4).AddAlias("nas.corp.example", "box.corp.example").AddAlias("box.corp.example", "nas.corp.example");

        Assert.True(DnsResponse.TryRead(answer.ToArray(), 0x1234, Question, out var response));
        Assert.Equal(DnsOutcome.Refused, response.Outcome);
    }

    [Theory]
    [InlineData(600, 30, 30)]
    [InlineData(20, 30, 20)]
    [InlineData(0x8000_0000, 0x8000_0000, 0)]
    public void Absence_may_be_kept_as_long_as_the_zone_says(uint lifetime, uint minimum, int seconds)
    {
        Assert.True(
            DnsResponse.TryRead(
                new DnsAnswer(V4) { Code = 3 }.AddAuthority(lifetime, minimum).ToArray(), 0x1234, Question, out var response));
        Assert.Equal((DnsOutcome.NoSuchName, TimeSpan.FromSeconds(seconds)), (response.Outcome, response.TimeToLive));

        Assert.True(DnsResponse.TryRead(new DnsAnswer(V4) { Code = 3 }.ToArray(), 0x1234, Question, out response));
        Assert.Equal(TimeSpan.Zero, response.TimeToLive);
    }

    [Fact]
    public void Answer_to_another_question_is_none()
    {
        Assert.False(DnsResponse.TryRead(new DnsAnswer(V4) { Id = 0x1235 }.Add(Address).ToArray(), 0x1234, Question, out _));
        Assert.False(
            DnsResponse.TryRead(new DnsAnswer(V4) { Question = "was.corp.example" }.Add(Address).ToArray(), 0x1234, Question, out _));
        Assert.False(DnsResponse.TryRead(new DnsAnswer(V4 with { Type = DnsAsk.Aaaa }).ToArray(), 0x1234, Question, out _));
        Assert.False(DnsResponse.TryRead(Question.Encode(0x1234), 0x1234, Question, out _));
    }

    [Fact]
    public void Answer_cut_short_or_with_an_error_says_so()
    {
        Assert.True(DnsResponse.TryRead(new DnsAnswer(V4) { IsTruncated = true }.ToArray(), 0x1234, Question, out var response));
        Assert.Equal(DnsOutcome.Truncated, response.Outcome);
        Assert.True(DnsResponse.TryRead(new DnsAnswer(V4) { Code = 5 }.ToArray(), 0x1234, Question, out response));
        Assert.Equal(DnsOutcome.Refused, response.Outcome);
    }

    [Fact]
    public void Compressed_names_lead_only_to_the_front()
    {
        byte[] self = [0xc0, 0x00];
        int offset = 0;
        Assert.False(DnsName.TryRead(self, ref offset, out _));

        byte[] forth = [0xc0, 0x02, 0x01, (byte)'a', 0x00];
        offset = 0;
        Assert.False(DnsName.TryRead(forth, ref offset, out _));

        // A label, then back to the label: endless, were it followed.
        byte[] circle = [0x01, (byte)'a', 0xc0, 0x00];
        offset = 0;
        Assert.False(DnsName.TryRead(circle, ref offset, out _));

        byte[] back = [0x01, (byte)'A', 0x00, 0x01, (byte)'b', 0xc0, 0x00, 0xff];
        offset = 3;
        Assert.True(DnsName.TryRead(back, ref offset, out string name));
        Assert.Equal(("b.a", 7), (name, offset));
    }

    [Theory]
    [InlineData("NAS.Corp.Example.", "nas.corp.example")]
    [InlineData("_http.x-1", "_http.x-1")]
    [InlineData("", null)]
    [InlineData(".", null)]
    [InlineData("a..b", null)]
    [InlineData("a b", null)]
    [InlineData("a/b", null)]
    [InlineData("bücher.example", null)]
    public void Normalize_takes_host_names_only(string text, string? name) => Assert.Equal(name, DnsName.Normalize(text));

    [Fact]
    public void Normalize_knows_the_longest_label_and_name()
    {
        string label = new('a', 63);
        Assert.Equal(label, DnsName.Normalize(label));
        Assert.Null(DnsName.Normalize(label + "a"));
        string longest = $"{label}.{label}.{label}.{new string('b', 61)}";
        Assert.Equal(longest, DnsName.Normalize(longest));
        Assert.Null(DnsName.Normalize(longest + "b"));
        Assert.Equal(longest, DnsAsk.Read(new DnsQuestion(longest, DnsType.A).Encode(1), isTcp: false, null).Name);
    }

    [Fact]
    public void Reader_takes_any_bytes_without_an_exception()
    {
        byte[][] seeds =
        [
            new DnsAnswer(V4).Add(Address).Add(Address).ToArray(),
            new DnsAnswer(V4).AddAlias("nas.corp.example", "box.corp.example").Add(Address, 60, "box.corp.example").ToArray(),
            new DnsAnswer(V4) { Code = 3 }.AddAuthority(60, 60).ToArray(),
        ];
        var random = new Random(20261128);
        int read = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] message = [.. seeds[i % seeds.Length]];
            for (int changes = random.Next(1, 6); changes > 0; changes--)
            {
                // Behind the ID and the flags, without which nothing more is read.
                message[random.Next(4, message.Length)] = (byte)random.Next(256);
            }

            int length = random.Next(4) == 0 ? random.Next(message.Length + 1) : message.Length;
            if (DnsResponse.TryRead(message.AsSpan(0, length), 0x1234, Question, out var response))
            {
                read++;
                Assert.InRange(response.Addresses.Count, 0, DnsResponse.MaxAddresses);
                Assert.InRange(response.TimeToLive, TimeSpan.Zero, TimeSpan.FromSeconds(int.MaxValue));
            }
        }

        Assert.InRange(read, 1000, 199_000);
    }
}
