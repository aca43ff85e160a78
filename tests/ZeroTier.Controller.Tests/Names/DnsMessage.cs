using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace ZeroTier.Controller.Tests.Names;

/// <summary>DNS messages as the tests write and read them, on their own: the product's code has no part in it.</summary>
internal sealed class DnsMessage
{
    public const int A = 1, NS = 2, Soa = 6, Ptr = 12, Txt = 16, Aaaa = 28, Opt = 41, Axfr = 252, Any = 255;

    private readonly byte[] _bytes;
    private int _at = 12;

    private DnsMessage(byte[] bytes) => _bytes = bytes;

    public int Id => Number(0);

    public int Flags => Number(2);

    public bool IsAuthoritative => (Flags & 0x0400) != 0;

    public bool IsTruncated => (Flags & 0x0200) != 0;

    /// <summary>With the upper bits of the OPT record.</summary>
    public int Code { get; private set; }

    public string Question { get; private set; } = "";

    public List<Record> Answers { get; } = [];

    public List<Record> Authorities { get; } = [];

    public List<Record> Additional { get; } = [];

    public IEnumerable<string> Data => Answers.Select(a => a.Data);

    /// <summary>A query; with a datagram size it has the OPT record.</summary>
    public static byte[] Query(
        string name, int type, int? size = null, int id = 0x1234, int kind = 1, int version = 0, int optionFlags = 0, int flags = 0x0100)
    {
        var bytes = new List<byte>();
        Add(id, flags, 1, 0, 0, size is null ? 0 : 1);
        foreach (string label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(label));
        }

        bytes.Add(0);
        Add(type, kind);
        if (size is { } limit)
        {
            bytes.Add(0);
            Add(Opt, limit, version, optionFlags, 0);
        }

        return [.. bytes];

        void Add(params int[] numbers)
        {
            foreach (int number in numbers)
            {
                bytes.Add((byte)(number >> 8));
                bytes.Add((byte)number);
            }
        }
    }

    public static DnsMessage Read(ReadOnlySpan<byte> bytes)
    {
        var message = new DnsMessage(bytes.ToArray());
        Assert.InRange(bytes.Length, 12, ushort.MaxValue);
        Assert.Equal(0x8000, message.Flags & 0x8000);
        if (message.Number(4) == 1)
        {
            message.Question = message.ReadName();
            message._at += 4;
        }

        message.ReadRecords(message.Number(6), message.Answers);
        message.ReadRecords(message.Number(8), message.Authorities);
        message.ReadRecords(message.Number(10), message.Additional);
        message.Code = (message.Flags & 0xf) | (int)(message.Additional.Find(r => r.Type == Opt)?.Lifetime ?? 0) >> 24 << 4;
        Assert.Equal(bytes.Length, message._at);
        return message;
    }

    private int Number(int at) => BinaryPrimitives.ReadUInt16BigEndian(_bytes.AsSpan(at));

    private void ReadRecords(int count, List<Record> records)
    {
        for (; count > 0; count--)
        {
            string owner = ReadName();
            int type = Number(_at), kind = Number(_at + 2), length = Number(_at + 8);
            uint lifetime = BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(_at + 4));
            _at += 10;
            int end = _at + length;
            string data = type switch
            {
                A or Aaaa => new IPAddress(_bytes.AsSpan(_at, length)).ToString(),
                NS or Ptr => ReadName(),
                Soa => $"{ReadName()} {ReadName()}",
                _ => Convert.ToHexStringLower(_bytes.AsSpan(_at, length)),
            };
            Assert.True(type is not (NS or Ptr) || _at == end);
            _at = end;
            records.Add(new Record(owner, type, kind, lifetime, data));
        }
    }

    private string ReadName()
    {
        var name = new StringBuilder();
        int at = _at, end = -1;
        while (_bytes[at] != 0)
        {
            if (_bytes[at] >= 0xc0)
            {
                end = end < 0 ? at + 2 : end;
                at = Number(at) & 0x3fff;
                continue;
            }

            name.Append(CultureInfo.InvariantCulture, $"{Encoding.Latin1.GetString(_bytes, at + 1, _bytes[at])}.");
            at += 1 + _bytes[at];
        }

        _at = end < 0 ? at + 1 : end;
        return name.ToString();
    }

    public sealed record Record(string Owner, int Type, int Kind, uint Lifetime, string Data);
}
