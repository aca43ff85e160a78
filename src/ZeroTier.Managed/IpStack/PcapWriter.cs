using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>Writes frames as a capture file that Wireshark and tcpdump read (classic pcap, nanoseconds, Ethernet). Bounded. Thread-safe.</summary>
/// <remarks>
/// The stream is written on the data path, so it should be a file or memory. When it fails or the limit is reached, capturing ends and traffic goes on.
/// </remarks>
internal sealed class PcapWriter : IDisposable
{
    private const int FileHeaderLength = 24;
    private const int RecordHeaderLength = 16;
    private const int EthernetHeaderLength = 14;
    private const int SnapLength = 65535;

    private readonly Lock _gate = new();
    private readonly Stream _stream;
    private readonly TimeProvider _time;
    private long _room;
    private bool _ended;

    /// <param name="stream">Where to; it is disposed of with the writer.</param>
    /// <param name="time">The clock of the time stamps.</param>
    /// <param name="maxBytes">The file ends before it grows beyond this.</param>
    public PcapWriter(Stream stream, TimeProvider time, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, FileHeaderLength);
        _stream = stream;
        _time = time;
        _room = maxBytes - FileHeaderLength;
        Span<byte> header = stackalloc byte[FileHeaderLength];
        header.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(header, 0xa1b2_3c4d);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], SnapLength);
        BinaryPrimitives.WriteUInt32BigEndian(header[20..], 1);
        stream.Write(header);
    }

    /// <summary>Frames that were not written because the limit was reached.</summary>
    public long Omitted { get; private set; }

    public void Write(MacAddress destination, MacAddress source, ushort etherType, ReadOnlySpan<byte> payload)
    {
        int length = EthernetHeaderLength + payload.Length;
        int captured = Math.Min(length, SnapLength);
        Span<byte> header = stackalloc byte[RecordHeaderLength + EthernetHeaderLength];
        lock (_gate)
        {
            if (_ended || RecordHeaderLength + captured > _room)
            {
                _ended = true;
                Omitted++;
                return;
            }

            long ticks = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks;
            BinaryPrimitives.WriteUInt32BigEndian(header, (uint)(ticks / TimeSpan.TicksPerSecond));
            BinaryPrimitives.WriteUInt32BigEndian(header[4..], (uint)(ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick));
            BinaryPrimitives.WriteUInt32BigEndian(header[8..], (uint)captured);
            BinaryPrimitives.WriteUInt32BigEndian(header[12..], (uint)length);
            destination.Write(header[RecordHeaderLength..]);
            source.Write(header[(RecordHeaderLength + 6)..]);
            BinaryPrimitives.WriteUInt16BigEndian(header[(RecordHeaderLength + 12)..], etherType);
            try
            {
                _stream.Write(header);
                _stream.Write(payload[..(captured - EthernetHeaderLength)]);
                _room -= RecordHeaderLength + captured;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or NotSupportedException)
            {
                _ended = true;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _stream.Dispose();
        }
    }
}
