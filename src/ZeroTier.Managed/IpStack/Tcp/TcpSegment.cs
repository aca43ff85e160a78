using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>The control bits (RFC 9293, 3.1), without the ECN bits of RFC 3168, which are not used.</summary>
[Flags]
internal enum TcpFlags : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
    Urg = 32,
}

/// <summary>Up to four selective acknowledgements (RFC 2018, 3).</summary>
[InlineArray(Capacity)]
internal struct SackBlocks
{
    public const int Capacity = 4;
    private SackBlock _first;
}

/// <summary>Received bytes from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct SackBlock(uint Start, uint End);

/// <summary>A received segment's header, options included.</summary>
internal struct TcpSegment
{
    public const int HeaderLength = 20;

    public ushort SourcePort;
    public ushort DestinationPort;
    public uint Sequence;
    public uint Acknowledgement;
    public TcpFlags Flags;

    /// <summary>As in the header, unscaled.</summary>
    public ushort Window;

    public int HeaderBytes;
    public int PayloadLength;

    /// <summary>0 when the option is absent.</summary>
    public ushort MaximumSegmentSize;

    /// <summary>-1 when the option is absent.</summary>
    public int WindowScale;
    public bool SackPermitted;
    public bool HasTimestamps;
    public uint TimestampValue;
    public uint TimestampEcho;
    public int SackCount;
    public SackBlocks Sack;

    /// <summary>Length in sequence numbers: SYN and FIN count one each (RFC 9293, 3.4).</summary>
    public readonly uint SequenceLength => (uint)PayloadLength + (Has(TcpFlags.Syn) ? 1u : 0) + (Has(TcpFlags.Fin) ? 1u : 0);

    public readonly bool Has(TcpFlags flag) => (Flags & flag) != 0;

    /// <summary>Reads header and options. The checksum is the caller's to check.</summary>
    public static bool TryParse(ReadOnlySpan<byte> packet, out TcpSegment segment)
    {
        segment = default;
        segment.WindowScale = -1;
        if (packet.Length < HeaderLength)
        {
            return false;
        }

        int header = (packet[12] >> 4) * 4;
        if (header < HeaderLength || header > packet.Length)
        {
            return false;
        }

        segment.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(packet);
        segment.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        segment.Sequence = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        segment.Acknowledgement = BinaryPrimitives.ReadUInt32BigEndian(packet[8..]);
        segment.Flags = (TcpFlags)(packet[13] & 0x3f);
        segment.Window = BinaryPrimitives.ReadUInt16BigEndian(packet[14..]);
        segment.HeaderBytes = header;
        segment.PayloadLength = packet.Length - header;
        return segment.SourcePort != 0 && segment.DestinationPort != 0 && segment.TryParseOptions(packet[HeaderLength..header]);
    }

    private bool TryParseOptions(ReadOnlySpan<byte> options)
    {
        while (options.Length > 0)
        {
            int kind = options[0];
            if (kind == TcpOption.End)
            {
                return true;
            }

            if (kind == TcpOption.NoOperation)
            {
                options = options[1..];
                continue;
            }

            // An illegal length makes the rest unreadable (RFC 9293, MUST-7): the segment is dropped.
            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return false;
            }

            ReadOption(kind, options[2..options[1]]);
            options = options[options[1]..];
        }

        return true;
    }

    // Options of an unexpected length are ignored like unknown ones; MSS, window scale and SACK-permitted are valid in a SYN only.
    private void ReadOption(int kind, ReadOnlySpan<byte> data)
    {
        bool syn = Has(TcpFlags.Syn);
        switch (kind)
        {
            case TcpOption.MaximumSegmentSize when syn && data.Length == 2:
                MaximumSegmentSize = BinaryPrimitives.ReadUInt16BigEndian(data);
                break;
            case TcpOption.WindowScale when syn && data.Length == 1:
                // RFC 7323, 2.3: larger shifts count as 14.
                WindowScale = Math.Min((int)data[0], TcpOption.MaxWindowScale);
                break;
            case TcpOption.SackPermitted when syn && data.Length == 0:
                SackPermitted = true;
                break;
            case TcpOption.Timestamps when data.Length == 8:
                HasTimestamps = true;
                TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(data);
                TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
                break;
            case TcpOption.Sack when data.Length % 8 == 0:
                SackCount = Math.Min(data.Length / 8, SackBlocks.Capacity);
                for (int i = 0; i < SackCount; i++)
                {
                    Sack[i] = new SackBlock(
                        BinaryPrimitives.ReadUInt32BigEndian(data[(8 * i)..]), BinaryPrimitives.ReadUInt32BigEndian(data[(8 * i + 4)..]));
                }

                break;
        }
    }
}

/// <summary>Option kinds and limits.</summary>
internal static class TcpOption
{
    public const int End = 0;
    public const int NoOperation = 1;
    public const int MaximumSegmentSize = 2;
    public const int WindowScale = 3;
    public const int SackPermitted = 4;
    public const int Sack = 5;
    public const int Timestamps = 8;

    public const int MaxWindowScale = 14;

    /// <summary>Timestamps with the two no-operations that align them (RFC 7323, appendix A).</summary>
    public const int TimestampsLength = 12;
}
