using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ZeroTier.Tests;

/// <summary>What a name server was asked.</summary>
internal sealed record DnsAsk(ushort Id, string Name, ushort Type, bool IsTcp, IPEndPoint? From)
{
    public const ushort A = 1;
    public const ushort CName = 5;
    public const ushort Soa = 6;
    public const ushort Aaaa = 28;

    public static DnsAsk Read(ReadOnlySpan<byte> message, bool isTcp, IPEndPoint? from)
    {
        int at = 12;
        var labels = new List<string>();
        for (; message[at] != 0; at += 1 + message[at])
        {
            labels.Add(Encoding.ASCII.GetString(message.Slice(at + 1, message[at])));
        }

        return new DnsAsk(
            BinaryPrimitives.ReadUInt16BigEndian(message),
            string.Join('.', labels),
            BinaryPrimitives.ReadUInt16BigEndian(message[(at + 1)..]),
            isTcp,
            from);
    }
}

/// <summary>Writes the answer of a name server, right or wrong as a test wants it.</summary>
internal sealed class DnsAnswer(DnsAsk ask)
{
    private readonly List<byte> _records = [];
    private readonly List<byte> _authority = [];
    private int _answers;
    private int _authorities;

    public ushort Id { get; set; } = ask.Id;

    public string Question { get; set; } = ask.Name;

    public int Code { get; set; }

    public bool IsTruncated { get; set; }

    /// <summary>An address, if it is of the family that was asked for.</summary>
    public DnsAnswer Add(IPAddress address, uint lifetime = 300, string? owner = null)
    {
        ushort type = address.AddressFamily == AddressFamily.InterNetwork ? DnsAsk.A : DnsAsk.Aaaa;
        if (type == ask.Type)
        {
            Record(_records, owner ?? ask.Name, type, lifetime, address.GetAddressBytes());
            _answers++;
        }

        return this;
    }

    public DnsAnswer AddAlias(string owner, string target, uint lifetime = 300)
    {
        var name = new List<byte>();
        Name(name, target);
        Record(_records, owner, DnsAsk.CName, lifetime, [.. name]);
        _answers++;
        return this;
    }

    /// <summary>Nothing may be kept without it.</summary>
    public DnsAnswer AddAuthority(uint lifetime, uint minimum)
    {
        var data = new List<byte>();
        Name(data, "ns.example");
        Name(data, "admin.example");
        data.AddRange(new byte[16]);
        data.AddRange(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(minimum)));
        Record(_authority, "example", DnsAsk.Soa, lifetime, [.. data]);
        _authorities++;
        return this;
    }

    public byte[] ToArray()
    {
        var message = new List<byte>();
        Number(message, Id);
        Number(message, (ushort)(0x8180 | (IsTruncated ? 0x0200 : 0) | Code));
        Number(message, 1);
        Number(message, (ushort)_answers);
        Number(message, (ushort)_authorities);
        Number(message, 0);
        Name(message, Question);
        Number(message, ask.Type);
        Number(message, 1);
        return [.. message, .. _records, .. _authority];
    }

    // The name that was asked for is where the question has it, as every server writes it.
    private void Record(List<byte> records, string owner, ushort type, uint lifetime, byte[] data)
    {
        if (owner == ask.Name)
        {
            Number(records, 0xc00c);
        }
        else
        {
            Name(records, owner);
        }

        Number(records, type);
        Number(records, 1);
        Number(records, (ushort)(lifetime >> 16));
        Number(records, (ushort)lifetime);
        Number(records, (ushort)data.Length);
        records.AddRange(data);
    }

    private static void Number(List<byte> bytes, ushort number) => bytes.AddRange((byte)(number >> 8), (byte)number);

    private static void Name(List<byte> bytes, string name)
    {
        foreach (string label in name.Split('.'))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }

        bytes.Add(0);
    }
}
