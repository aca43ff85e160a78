using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack;

public sealed class InternetChecksumTests
{
    [Fact]
    public void Example_of_RFC_1071() =>
        Assert.Equal(0xffff - 0xddf2, InternetChecksum.Compute(Convert.FromHexString("0001f203f4f5f6f7")));

    [Fact]
    public void Every_length_and_alignment_agrees_with_the_definition()
    {
        byte[] data = new byte[400];
        new SeededRandom(1).Fill(data);
        for (int start = 0; start < 9; start++)
        {
            for (int length = 0; length < 300; length++)
            {
                Assert.Equal(Definition(data.AsSpan(start, length)), InternetChecksum.Compute(data.AsSpan(start, length)));
            }
        }
    }

    [Fact]
    public void Long_runs_of_ones_do_not_overflow()
    {
        byte[] data = new byte[65535];
        data.AsSpan().Fill(0xff);
        Assert.Equal(Definition(data), InternetChecksum.Compute(data));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Transport_checksum_agrees_with_the_pseudo_header_written_out(bool isIPv4)
    {
        byte[] packet = new byte[101];
        new SeededRandom(2).Fill(packet);
        byte[] addresses = new byte[32];
        new SeededRandom(3).Fill(addresses);
        var source = isIPv4 ? IpAddress.ReadIPv4(addresses) : IpAddress.ReadIPv6(addresses);
        var destination = isIPv4 ? IpAddress.ReadIPv4(addresses.AsSpan(16)) : IpAddress.ReadIPv6(addresses.AsSpan(16));
        byte[] written = [.. addresses[..source.Length], .. addresses[16..(16 + source.Length)], 0, 0, 0, 101, 0, 0, 0, 17, .. packet];
        Assert.Equal(Definition(written), InternetChecksum.Transport(source, destination, IpProtocol.Udp, packet));
    }

    private static ushort Definition(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i += 2)
        {
            sum += (uint)(data[i] << 8 | (i + 1 < data.Length ? data[i + 1] : 0));
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
