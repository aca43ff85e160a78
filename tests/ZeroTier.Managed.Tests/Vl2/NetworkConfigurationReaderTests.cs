using System.Text.Json;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Configurations and their pieces, against what real nodes make of them.</summary>
public class NetworkConfigurationReaderTests
{
    [Fact]
    public void Recorded_configurations_are_read_field_by_field()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("network_configs"))
        {
            NetworkConfiguration configuration = Read(vector.Hex("dictionary_hex"), out NodeId issuedTo);
            JsonElement fields = vector.GetProperty("fields");
            Assert.Equal(fields.GetProperty("nwid").GetString(), configuration.Id.ToString());
            Assert.Equal(fields.GetProperty("id").GetString(), issuedTo.ToString());
            Assert.Equal(fields.GetProperty("ts").GetUInt64(), configuration.Timestamp);
            Assert.Equal(fields.GetProperty("ctmd").GetUInt64(), configuration.CredentialMaxDelta);
            Assert.Equal(fields.GetProperty("r").GetUInt64(), configuration.Revision);
            Assert.Equal(Vl2Vectors.HexNumber(fields, "f"), (ulong)configuration.Flags);
            Assert.Equal(fields.GetProperty("ml").GetInt32(), configuration.MulticastLimit);
            Assert.Equal(fields.GetProperty("t").GetInt32() == 1, configuration.IsPublic);
            Assert.Equal(fields.GetProperty("n").GetString(), configuration.Name);
            Assert.Equal(fields.GetProperty("mtu").GetInt32(), configuration.Mtu);
            Assert.Equal(
                fields.TryGetProperty("C", out JsonElement membership) ? membership.GetString() : null,
                configuration.Membership is { } c ? Convert.ToHexStringLower(c.Encoded.Span) : null);
            Assert.Equal(Texts(fields.GetProperty("I")), configuration.Addresses.Select(a => $"{a.Address}/{a.PrefixLength}"));
            Assert.Equal(
                fields.GetProperty("RT").EnumerateArray()
                    .Select(r => (r.GetProperty("target").GetString(), r.GetProperty("via").GetString()?.Split('/')[0])),
                configuration.Routes.Select(r => ((string?)$"{r.Target}/{r.PrefixLength}", r.Gateway?.ToString())));
            Assert.Equal(fields.GetProperty("CAP").GetArrayLength(), configuration.Capabilities.Length);
            Assert.Equal(fields.GetProperty("TAG").GetArrayLength(), configuration.Tags.Length);
            Assert.Equal(fields.GetProperty("COO").GetArrayLength(), configuration.Ownership.Length);
            Assert.Equal(fields.GetProperty("S").GetArrayLength(), configuration.Specialists.Length);
            Assert.Equal(
                Texts(fields.GetProperty("DNS").GetProperty("servers")).Select(s => s.Split('/')[0]),
                configuration.Dns?.Servers.Select(s => s.ToString()) ?? []);
            Assert.Equal(fields.GetProperty("DNS").GetProperty("domain").GetString(), configuration.Dns?.Domain ?? "");
        }
    }

    [Fact]
    public void The_smallest_useful_configuration_is_read()
    {
        NetworkConfiguration configuration = Read(Vl2Vectors.Single("network_config_minimal").Hex("dictionary_hex"), out _);
        Assert.NotNull(configuration.Membership);
        Assert.NotEmpty(configuration.Addresses);
    }

    [Fact]
    public void What_real_nodes_refuse_is_refused()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("network_config_parse"))
        {
            bool accepted = NetworkConfigurationReader.TryRead(
                vector.Hex("dictionary_hex"), RandomSource.System, out NetworkConfiguration? configuration, out _);
            Assert.True(vector.GetProperty("accepted").GetBoolean() == accepted, Vl2Vectors.Name(vector));
            if (configuration is not null)
            {
                Assert.Equal(vector.GetProperty("mtu").GetInt32(), configuration.Mtu);
                Assert.Equal(vector.GetProperty("type").GetInt32() == 1, configuration.IsPublic);
                Assert.Equal(vector.GetProperty("multicast_limit").GetInt32(), configuration.MulticastLimit);
                Assert.Equal(vector.GetProperty("static_ip_count").GetInt32(), configuration.Addresses.Length);
                Assert.Equal(vector.GetProperty("tag_count").GetInt32(), configuration.Tags.Length);
            }
        }
    }

    [Fact]
    public void Damaged_configurations_throw_nothing()
    {
        var random = new Random(5);
        byte[] whole = Vl2Vectors.Section("network_configs").ElementAt(1).Hex("dictionary_hex");
        for (int i = 0; i < 3000; i++)
        {
            byte[] damaged = whole[..random.Next(whole.Length + 1)];
            for (int n = random.Next(5); n > 0 && damaged.Length > 0; n--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            NetworkConfigurationReader.TryRead(damaged, RandomSource.System, out _, out _);
        }
    }

    [Fact]
    public void Names_cannot_carry_control_characters()
    {
        byte[] text = new NetworkDictionaryWriter()
            .Add("v", 7)
            .Add("nwid", Vl2Vectors.Network.Value)
            .Add("id", "63cc745077")
            .Add("n", "a\u001b[31mb\r\nc").ToArray();
        Assert.DoesNotContain(Read(text, out _).Name, char.IsControl);
    }

    [Fact]
    public void Addresses_are_encoded_as_real_nodes_do()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("inet_address"))
        {
            ReadOnlySpan<byte> data = vector.Hex("binary");
            Assert.True(InetAddressEncoding.TryRead(ref data, out IpAddress? address, out _));
            Assert.True(data.IsEmpty);
            Assert.Equal(vector.GetProperty("text").GetString()?.Split('/')[0], address?.ToString());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Pieces_come_in_any_order_and_any_number_of_times(int seed)
    {
        var random = new Random(seed);
        byte[] text = new byte[20_000];
        random.NextBytes(text);
        byte[][] pieces = [.. ConfigurationChunk.Issue(Vl2Vectors.Controller, Vl2Vectors.Network, text, updateId: 7, maxDataLength: 999)];
        var assembly = new ConfigurationAssembly();
        byte[]? whole = null;
        int[] order = [.. Enumerable.Range(0, pieces.Length).Concat(Enumerable.Range(0, pieces.Length - 1)).OrderBy(_ => random.Next())];
        var seen = new HashSet<int>();
        foreach (int i in order)
        {
            Assert.True(ConfigurationChunk.TryRead(pieces[i], 1, out ConfigurationChunk chunk));
            Assert.True(Vl2Vectors.Controller.Verify(chunk.Signed, chunk.Signature));
            bool isNew = seen.Add(i);
            Assert.Equal(isNew, assembly.Add(chunk, out byte[]? complete));
            whole ??= complete;
            Assert.Equal(seen.Count == pieces.Length, whole is not null);
        }

        Assert.Equal(text, whole);
    }

    [Fact]
    public void A_request_is_the_recorded_one()
    {
        JsonElement request = Vl2Vectors.Single("transcript").GetProperty("events").EnumerateArray()
            .First(e => e.TryGetProperty("verb_name", out JsonElement verb) && verb.GetString() == "NETWORK_CONFIG_REQUEST");
        Assert.Equal(
            request.GetProperty("payload").GetString(), Convert.ToHexStringLower(ConfigurationRequest.Encode(Vl2Vectors.Network, 0, 0)));
    }

    private static IEnumerable<string> Texts(JsonElement array) => array.EnumerateArray().Select(e => e.GetString()!);

    private static NetworkConfiguration Read(byte[] text, out NodeId issuedTo)
    {
        Assert.True(NetworkConfigurationReader.TryRead(text, RandomSource.System, out NetworkConfiguration? configuration, out issuedTo));
        return configuration;
    }
}
