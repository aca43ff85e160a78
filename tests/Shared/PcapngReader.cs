using System.Buffers.Binary;
using System.Text;

namespace ZeroTier.Tests;

/// <summary>Reads a capture strictly (draft-ietf-opsawg-pcapng): a block that is not whole, or has no sense, is an error.</summary>
internal sealed class PcapngReader
{
    public sealed record Interface(string Name, string? Description, byte[]? Mac, byte Resolution);

    public sealed record Frame(int Interface, DateTimeOffset Time, byte[] Bytes, int Length, uint Flags, long Lost, string? Comment)
    {
        public bool IsInbound => (Flags & 3) == 1;

        public bool IsOutbound => (Flags & 3) == 2;

        /// <summary>1 unicast, 2 multicast, 3 broadcast, 4 promiscuous.</summary>
        public uint Reception => Flags >> 2 & 7;

        public ushort EtherType => BinaryPrimitives.ReadUInt16BigEndian(Bytes.AsSpan(12));
    }

    public sealed record Statistics(int Interface, long Received, long Dropped);

    public string Application { get; private set; } = "";

    public List<Interface> Interfaces { get; } = [];

    public List<Frame> Frames { get; } = [];

    public List<Statistics> Counts { get; } = [];

    public static PcapngReader Read(byte[] file)
    {
        var reader = new PcapngReader();
        ReadOnlySpan<byte> rest = file;
        for (bool first = true; !rest.IsEmpty; first = false)
        {
            Assert.True(rest.Length >= 12, "A block is cut off.");
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            Assert.True(
                length >= 12 && length % 4 == 0 && length <= rest.Length,
                $"Block 0x{type:x} has the length {length}, where {rest.Length} are left.");
            Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(rest[(length - 4)..]));
            Assert.Equal(first, type == 0x0a0d0d0a);
            reader.Add(type, rest[8..(length - 4)]);
            rest = rest[length..];
        }

        return reader;
    }

    private void Add(uint type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case 0x0a0d0d0a:
                Assert.Equal(0x1a2b3c4du, BinaryPrimitives.ReadUInt32LittleEndian(body));
                Assert.Equal(1, BinaryPrimitives.ReadUInt16LittleEndian(body[4..]));
                Assert.Equal(-1, BinaryPrimitives.ReadInt64LittleEndian(body[8..]));
                Application = Text(Options(body[16..]), 4) ?? "";
                break;
            case 1:
                Assert.Equal(1, BinaryPrimitives.ReadUInt16LittleEndian(body));
                var described = Options(body[8..]);
                Interfaces.Add(
                    new Interface(Text(described, 2)!, Text(described, 3), described.GetValueOrDefault((ushort)6), described[9][0]));
                break;
            case 6:
                int number = BinaryPrimitives.ReadInt32LittleEndian(body);
                Assert.InRange(number, 0, Interfaces.Count - 1);
                int captured = BinaryPrimitives.ReadInt32LittleEndian(body[12..]);
                var options = Options(body[(20 + (captured + 3) / 4 * 4)..]);
                Frames.Add(new Frame(
                    number,
                    Time(body[4..]),
                    body.Slice(20, captured).ToArray(),
                    BinaryPrimitives.ReadInt32LittleEndian(body[16..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(options[2]),
                    options.TryGetValue(4, out byte[]? lost) ? BinaryPrimitives.ReadInt64LittleEndian(lost) : 0,
                    Text(options, 1)));
                break;
            case 5:
                var counts = Options(body[12..]);
                Counts.Add(new Statistics(
                    BinaryPrimitives.ReadInt32LittleEndian(body),
                    BinaryPrimitives.ReadInt64LittleEndian(counts[4]),
                    BinaryPrimitives.ReadInt64LittleEndian(counts[5])));
                break;
            default:
                Assert.Fail($"Block 0x{type:x} is not expected.");
                break;
        }
    }

    private static DateTimeOffset Time(ReadOnlySpan<byte> body)
    {
        ulong nanoseconds = (ulong)BinaryPrimitives.ReadUInt32LittleEndian(body) << 32 | BinaryPrimitives.ReadUInt32LittleEndian(body[4..]);
        return DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100));
    }

    private static Dictionary<ushort, byte[]> Options(ReadOnlySpan<byte> rest)
    {
        var options = new Dictionary<ushort, byte[]>();
        while (true)
        {
            ushort code = BinaryPrimitives.ReadUInt16LittleEndian(rest);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
            if (code == 0)
            {
                Assert.Equal(4, rest.Length);
                return options;
            }

            options.Add(code, rest.Slice(4, length).ToArray());
            int padded = (length + 3) / 4 * 4;
            Assert.True(rest.Slice(4 + length, padded - length).IndexOfAnyExcept((byte)0) < 0, "Padding is not zero.");
            rest = rest[(4 + padded)..];
        }
    }

    private static string? Text(Dictionary<ushort, byte[]> options, ushort code) =>
        options.TryGetValue(code, out byte[]? bytes) ? new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes) : null;
}
