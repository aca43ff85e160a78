using ZeroTier.Controller.Members;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests;

/// <summary>What a node says of itself is untrusted.</summary>
public class MetadataFuzzTests
{
    [Fact]
    public void Metadata_are_read_as_they_are_written()
    {
        byte[] text = new NetworkDictionaryWriter().Add("pv", 13).Add("majv", 1).Add("minv", 14).Add("revv", 2).Add("revr", 1).Add("a",
            "token:a=b\n").ToArray();
        Assert.Equal(new MemberMetadata(new MemberVersion(1, 14, 2, 13), true, "a=b\n"), MemberMetadata.Read(text));
        Assert.Equal(new MemberMetadata(default, false, null), MemberMetadata.Read([]));
        Assert.Null(MemberMetadata.Read("a=tokenx"u8).Token);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Mutated_requests_are_answered_and_harm_nothing(ulong seed)
    {
        var random = new SeededRandom(seed);
        await using var bench = await ControllerBench.StartAsync();
        ControllerNetwork network = await bench.CreateAsync(Addressing.Pool("10.0.0.1", "10.0.0.254"));
        string token = await bench.Controller.CreateJoinTokenAsync(
            network.Id, null, ControllerBench.Admin, TestContext.Current.CancellationToken);
        NodeIdentity member = TestIdentities.All[1], stranger = TestIdentities.All[2];
        await bench.AuthorizeAsync(network.Id, member);
        byte[] original = new NetworkDictionaryWriter()
            .Add("v", 7)
            .Add("pv", 12)
            .Add("majv", 1)
            .Add("minv", 12)
            .Add("revv", 0)
            .Add("revr", 1)
            .Add("a",
                $"token:{token[..^1]}")
            .ToArray();
        for (int i = 0; i < 1000; i++)
        {
            byte[] mutated = Mutate(original, random);
            bench.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(network.Id, bench.Ask(network.Id, member, mutated)!.Configuration.Id);
            Assert.Equal(ControllerRefusal.AccessDenied, bench.Ask(network.Id, stranger, mutated)!.Refusal);
            bench.Port.Sent.Clear();
        }

        Assert.Equal(0, bench.Controller.GetStatistics().StoreFailures);
        ControllerMember record = bench.Controller.FindMember(network.Id, member.Address)!.Member;
        Assert.Equal(ControllerJson.Write(record), ControllerJson.Write(ControllerJson.ReadMember(ControllerJson.Write(record))));
        Assert.Single(record.Addresses);
    }

    private static byte[] Mutate(byte[] original, SeededRandom random)
    {
        byte[] bytes = [.. original];
        for (int n = 1 + random.Next(8); n > 0; n--)
        {
            int at = random.Next(Math.Max(bytes.Length, 1));
            bytes = random.Next(5) switch
            {
                0 when bytes.Length > 0 => [.. bytes[..at], (byte)random.Next(256), .. bytes[(at + 1)..]],
                1 => bytes[..Math.Min(at, bytes.Length)],
                2 => [.. bytes[..Math.Min(at, bytes.Length)], .. "\n=\\\0"u8[random.Next(4)..], .. bytes[Math.Min(at, bytes.Length)..]],
                3 => [.. bytes, .. bytes],
                _ => [.. bytes[..Math.Min(at, bytes.Length)], .. "ffffffffffffffffff-0x"u8, .. bytes[Math.Min(at, bytes.Length)..]],
            };
        }

        return bytes[..Math.Min(bytes.Length, ControllerRequest.MaxMetadataLength)];
    }
}
