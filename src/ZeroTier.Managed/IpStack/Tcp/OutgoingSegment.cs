using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// A planned segment that is not yet written; the connection's state already counts it as sent. Its payload lies in chunks of the send
/// buffer, which stay valid between <see cref="SendBuffer.Hold"/> and <see cref="SendBuffer.EndHold"/>.
/// </summary>
internal struct OutgoingSegment
{
    public ushort SourcePort;
    public ushort DestinationPort;
    public uint Sequence;
    public uint Acknowledgement;
    public TcpFlags Flags;
    public ushort Window;

    /// <summary>0 to leave the option out.</summary>
    public ushort MaximumSegmentSize;

    /// <summary>-1 to leave the option out.</summary>
    public int WindowScale;
    public bool SackPermitted;
    public bool HasTimestamps;
    public uint TimestampValue;
    public uint TimestampEcho;
    public int SackCount;
    public SackBlocks Sack;

    /// <summary>The payload. At most two chunks hold it.</summary>
    public ReadOnlyMemory<byte> First;
    public ReadOnlyMemory<byte> Second;

    public readonly int PayloadLength => First.Length + Second.Length;

    public readonly int Length => TcpSegment.HeaderLength + OptionsLength + PayloadLength;

    private readonly int OptionsLength =>
        (MaximumSegmentSize != 0 ? 4 : 0) + (WindowScale >= 0 ? 4 : 0) + (SackPermitted ? 4 : 0)
        + (HasTimestamps ? TcpOption.TimestampsLength : 0) + (SackCount > 0 ? 4 + 8 * SackCount : 0);

    /// <summary>A reset that answers a segment for which there is no connection (RFC 9293, 3.10.7.1).</summary>
    public static OutgoingSegment ResetFor(in TcpSegment segment) => new()
    {
        SourcePort = segment.DestinationPort,
        DestinationPort = segment.SourcePort,
        Sequence = segment.Has(TcpFlags.Ack) ? segment.Acknowledgement : 0,
        Acknowledgement = segment.Has(TcpFlags.Ack) ? 0 : segment.Sequence + segment.SequenceLength,
        Flags = segment.Has(TcpFlags.Ack) ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack,
        WindowScale = -1,
    };

    /// <summary>Writes the segment, checksum included, into exactly <see cref="Length"/> bytes.</summary>
    public readonly void Write(in IpAddress source, in IpAddress destination, Span<byte> target)
    {
        int header = TcpSegment.HeaderLength + OptionsLength;
        BinaryPrimitives.WriteUInt16BigEndian(target, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], Acknowledgement);
        target[12] = (byte)(header / 4 << 4);
        target[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(target[14..], Window);
        BinaryPrimitives.WriteUInt32BigEndian(target[16..], 0);
        WriteOptions(target[TcpSegment.HeaderLength..header]);
        First.Span.CopyTo(target[header..]);
        Second.Span.CopyTo(target[(header + First.Length)..]);
        BinaryPrimitives.WriteUInt16BigEndian(target[16..], InternetChecksum.Transport(source, destination, IpProtocol.Tcp, target));
    }

    // Every option is padded in front with no-operations to a multiple of four.
    private readonly void WriteOptions(Span<byte> target)
    {
        if (MaximumSegmentSize != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(target, TcpOption.MaximumSegmentSize << 24 | 4 << 16 | (uint)MaximumSegmentSize);
            target = target[4..];
        }

        if (WindowScale >= 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(
                target, TcpOption.NoOperation << 24 | TcpOption.WindowScale << 16 | 3 << 8 | (uint)WindowScale);
            target = target[4..];
        }

        if (SackPermitted)
        {
            BinaryPrimitives.WriteUInt32BigEndian(
                target, TcpOption.NoOperation << 24 | TcpOption.NoOperation << 16 | TcpOption.SackPermitted << 8 | 2);
            target = target[4..];
        }

        if (HasTimestamps)
        {
            BinaryPrimitives.WriteUInt32BigEndian(
                target, TcpOption.NoOperation << 24 | TcpOption.NoOperation << 16 | TcpOption.Timestamps << 8 | 10);
            BinaryPrimitives.WriteUInt32BigEndian(target[4..], TimestampValue);
            BinaryPrimitives.WriteUInt32BigEndian(target[8..], TimestampEcho);
            target = target[TcpOption.TimestampsLength..];
        }

        if (SackCount > 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(
                target, TcpOption.NoOperation << 24 | TcpOption.NoOperation << 16 | TcpOption.Sack << 8 | (uint)(2 + 8 * SackCount));
            for (int i = 0; i < SackCount; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(target[(4 + 8 * i)..], Sack[i].Start);
                BinaryPrimitives.WriteUInt32BigEndian(target[(8 + 8 * i)..], Sack[i].End);
            }
        }
    }
}
