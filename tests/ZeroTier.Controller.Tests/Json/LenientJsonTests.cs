using System.Text;
using System.Text.Json;
using ZeroTier.Controller.Json;
using ZeroTier.Controller.Rules;
using ZeroTier.Controller.Tests.Rules;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Tests.Json;

public class LenientJsonTests
{
    private static readonly JsonElement Vectors = VectorFile.Json("conversions.json");

    public static TheoryData<string> Cases() => [.. Vectors.Names("cases")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_are_converted_as_by_a_real_controller(string name)
    {
        JsonElement vector = Vectors.Find("cases", name);
        JsonElement body = JsonElement.Parse(vector.GetProperty("body").GetString()!);
        JsonElement stored = vector.GetProperty("stored");

        switch (body.EnumerateObject().Single().Name)
        {
            case "name":
                Assert.Equal(stored.GetProperty("name").GetString(), body.Text("name"));
                break;
            case "multicastLimit":
                Assert.Equal(stored.GetProperty("multicastLimit").GetUInt64(), body.Integer("multicastLimit", missing: 32));
                break;
            case "routes":
                Assert.Equal(Targets(stored), Targets(body));
                break;
            case var key:
                Assert.Equal(stored.GetProperty(key).GetBoolean(), body.Boolean(key, missing: key == "private"));
                break;
        }
    }

    [Theory]
    [InlineData("1e300", ulong.MaxValue)]
    [InlineData("-1e300", 1UL << 63)]
    [InlineData("-0.5", 0)]
    [InlineData("\"18446744073709551616\"", ulong.MaxValue)]
    [InlineData("\" 5\"", 0)]
    [InlineData("\"-5\"", 0)]
    [InlineData("[]", 7)]
    [InlineData("{}", 7)]
    [InlineData("null", 7)]
    [InlineData("false", 0)]
    public void Integers_are_read_from_anything(string json, ulong expected) =>
        Assert.Equal(expected, JsonElement.Parse(json).ToInteger(missing: 7));

    [Theory]
    [InlineData("1", true)]
    [InlineData("0", false)]
    [InlineData("\"T\"", true)]
    [InlineData("\"\"", false)]
    [InlineData("[]", true)]
    public void Booleans_are_read_from_anything(string json, bool expected) =>
        Assert.Equal(expected, JsonElement.Parse(json).ToBoolean(missing: true));

    [Theory]
    [InlineData("10.1.2.3/24", "10.1.2.3/24")]
    [InlineData("10.01.2.3/24", "0.0.0.0/24")]
    [InlineData("FD00::1%2/64", "::/64")]
    [InlineData("10.1.2.3/65537", "10.1.2.3/1")]
    public void Addresses_are_read_from_anything(string text, string expected)
    {
        Assert.True(AddressText.TryReadPrefix(text, out IpAddress address, out ushort bits));
        Assert.Equal(expected, $"{address}/{bits}");
        Assert.False(AddressText.TryReadPrefix("fd00::/" + new string('6', 60), out _, out _));
    }

    [Fact]
    public void Of_keys_that_stand_twice_the_last_counts()
    {
        Assert.Equal(2UL, JsonElement.Parse("""{"a":1,"a":2}""").Integer("a"));
        Assert.Equal(5UL, JsonElement.Parse("[1]").Integer("a", missing: 5));
    }

    [Theory]
    [InlineData("1122334455", 0x1122334455)]
    [InlineData("0X1fg", 0x1f)]
    [InlineData("", 0)]
    [InlineData("0x", 0)]
    [InlineData("ffffffffffffffff", ulong.MaxValue)]
    [InlineData("10000000000000000", ulong.MaxValue)]
    public void Hexadecimal_digits_are_read_from_any_text(string text, ulong expected) =>
        Assert.Equal(expected, LenientJson.Hexadecimal(text));

    [Fact]
    public void Mutated_bodies_are_read_or_refused_as_json()
    {
        string[] bodies = [.. RuleVectors.Names("cases").Select(name => RuleVectors.Find("cases", name).GetProperty("body").GetString()!)];
        int read = 0;
        for (int seed = 0; seed < 10_000; seed++)
        {
            var random = new Random(seed);
            byte[] body = Encoding.UTF8.GetBytes(bodies[random.Next(bodies.Length)]);
            for (int mutations = random.Next(1, 4); mutations > 0; mutations--)
            {
                body[random.Next(body.Length)] = (byte)"\"\\{}[]:,0-19eE.xtfnu/d8 \xff"[random.Next(25)];
            }

            try
            {
                JsonElement json = JsonElement.Parse(body);
                foreach (JsonElement value in json.ValueKind == JsonValueKind.Object
                    ? json.EnumerateObject().Select(member => member.Value)
                    : [])
                {
                    AssertReadable(RuleListJson.ReadRules(value) ?? []);
                    AssertReadable(RuleListJson.ReadCapabilities(value)?.SelectMany(capability => capability.Rules) ?? []);
                    RuleListJson.ReadTags(value);
                    read++;
                }
            }
            catch (JsonException)
            {
                // The documented result for what cannot be read.
            }
        }

        Assert.InRange(read, 1000, 9_999);
    }

    // What was read is written, and reads the same: nothing that a client posts may break the store.
    private static void AssertReadable(IEnumerable<NetworkRule> rules) =>
        Assert.All(rules, rule => Assert.Equal(rule, JsonSerializer.Deserialize<NetworkRule>(JsonSerializer.Serialize(rule))));

    private static IEnumerable<string> Targets(JsonElement network)
    {
        foreach (JsonElement route in network.GetProperty("routes").EnumerateArray())
        {
            // 5.5.3: a target is a text, and has up to 32 bits, or 128.
            if (route.Member("target") is { ValueKind: JsonValueKind.String } target
                && AddressText.TryReadPrefix(target.ToText(), out IpAddress address, out ushort bits)
                && bits <= address.BitLength)
            {
                yield return $"{address}/{bits}";
            }
        }
    }
}
