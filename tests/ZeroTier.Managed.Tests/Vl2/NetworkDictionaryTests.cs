using System.Text.Json;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Vl2;

public class NetworkDictionaryTests
{
    [Fact]
    public void What_real_nodes_write_is_written_the_same()
    {
        int written = 0;
        foreach (JsonElement vector in Vl2Vectors.Section("dictionaries").Where(v => v.TryGetProperty("operations", out _)))
        {
            var writer = new NetworkDictionaryWriter();
            foreach (JsonElement operation in vector.GetProperty("operations").EnumerateArray())
            {
                Write(writer, operation);
            }

            Assert.Equal(vector.GetProperty("text_hex").GetString(), Convert.ToHexStringLower(writer.ToArray()));
            written++;
        }

        Assert.Equal(2, written);
    }

    [Fact]
    public void What_real_nodes_read_is_read_the_same()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("dictionaries").Where(v => v.TryGetProperty("get", out _)))
        {
            foreach (JsonElement get in vector.GetProperty("get").EnumerateArray())
            {
                var dictionary = new NetworkDictionary(vector.Hex("text_hex"));
                byte[] key = System.Text.Encoding.ASCII.GetBytes(get.GetProperty("key").GetString()!);
                string about = $"{Vl2Vectors.Name(vector)}, {get.GetProperty("key")}";
                byte[]? value = dictionary.Find(key);
                Assert.True(get.GetProperty("found").GetBoolean() == value is not null, about);
                if (value is not null)
                {
                    Assert.Equal(get.GetProperty("value_hex").GetString(), Convert.ToHexStringLower(value));
                }

                Assert.True(Vl2Vectors.HexNumber(get, "as_uint_hex") == dictionary.GetNumber(key, 0xdeadbeef), about);
                Assert.True(get.GetProperty("as_bool_default_false").GetBoolean() == dictionary.GetBoolean(key), about);
            }
        }
    }

    [Fact]
    public void Any_value_survives_writing_and_reading()
    {
        var random = new Random(3);
        for (int i = 0; i < 500; i++)
        {
            byte[] value = new byte[random.Next(300)];
            random.NextBytes(value);
            byte[] text = new NetworkDictionaryWriter().Add("a", "x").Add("value", value).Add("z", 1).ToArray();
            Assert.Equal(value, new NetworkDictionary(text).Find("value"u8));
            Assert.DoesNotContain((byte)0, text);
        }
    }

    private static void Write(NetworkDictionaryWriter writer, JsonElement operation)
    {
        string key = operation.GetProperty("key").GetString()!;
        if (operation.TryGetProperty("value_hex", out _))
        {
            writer.Add(key, operation.Hex("value_hex"));
        }
        else if (operation.TryGetProperty("uint64_hex", out _))
        {
            writer.Add(key, Vl2Vectors.HexNumber(operation, "uint64_hex"));
        }
        else if (operation.TryGetProperty("int64", out JsonElement number))
        {
            // ZeroTierOne 1.12 loses the minus sign; no key needs it (3.2).
            writer.Add(key, (ulong)Math.Abs(number.GetInt64()));
        }
        else if (operation.TryGetProperty("bool", out JsonElement flag))
        {
            writer.Add(key, flag.GetBoolean());
        }
        else if (operation.TryGetProperty("address", out JsonElement address))
        {
            writer.Add(key, NodeId.Parse(address.GetString()!).Value);
        }
        else
        {
            writer.Add(key, operation.GetProperty("string").GetString()!);
        }
    }
}
