using System.Buffers;
using System.Numerics;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Received data that cannot be delivered yet: because of a gap before it, or because the input pipe is busy. Each byte is stored at its
/// position in a sparse ring of pooled chunks, so that overlaps and tiny segments need no extra memory, which is bounded by the window, by
/// the number of ranges and by the limit of all connections together. Guarded by the connection's lock.
/// </summary>
internal sealed class TcpReassemblyQueue(ChunkPool pool)
{
    /// <summary>
    /// Most separate ranges. Data that would open another one is refused; the peer retransmits it. The largest default window (32 MiB)
    /// with half of the segments missing at random has 6400; inserting one moves at most 64 KiB of the list.
    /// </summary>
    public const int MaxRanges = 8192;

    /// <summary>
    /// Most separate ranges of any length. Beyond it another one is opened only while the mean length is at least
    /// <see cref="MinMeanRange"/>, so that a peer that sends tiny segments with gaps cannot cause a long list.
    /// </summary>
    public const int MaxShortRanges = 256;

    /// <summary>The smallest mean length in bytes of more than <see cref="MaxShortRanges"/> ranges.</summary>
    public const int MinMeanRange = 256;

    private const int KeptChunks = 16;

    private byte[]?[] _ring = [];
    private int _first;
    private int _maxChunks;

    // The sequence number at which the first chunk of the ring begins.
    private uint _origin;
    private SackBlock[] _ranges = [];
    private int _count;

    // Starts of the latest insertions, newest first: they order the reported blocks (RFC 2018, 4).
    private readonly uint[] _recent = new uint[SackBlocks.Capacity];

    public bool IsEmpty => _count == 0;

    /// <summary>Bytes of the chunks that are held.</summary>
    public int Held { get; private set; }

    /// <summary>Number of bytes in the queue.</summary>
    public int Length { get; private set; }

    /// <summary>The start of the first range. Valid only while not empty.</summary>
    public uint Start => _ranges[0].Start;

    /// <summary>
    /// The end of the first range if that begins at or before this sequence number and ends after it; otherwise the number itself.
    /// </summary>
    public uint ContiguousEnd(uint from) =>
        _count > 0 && !Sequence.IsAfter(_ranges[0].Start, from) ? Sequence.Max(from, _ranges[0].End) : from;

    /// <summary>Stores those bytes of the data that are not stored yet.</summary>
    /// <param name="start">Sequence number of the first byte.</param>
    /// <param name="data">The bytes; they end within <paramref name="span"/> bytes of <paramref name="origin"/>.</param>
    /// <param name="origin">The first sequence number not yet delivered to the input pipe.</param>
    /// <param name="span">The largest receive window: the farthest that data may lie beyond the origin.</param>
    /// <returns>False when a bound was reached and bytes were refused.</returns>
    public bool Insert(uint start, ReadOnlySpan<byte> data, uint origin, int span)
    {
        if (_count == 0)
        {
            Reset(origin, span);
        }
        else
        {
            // The ring moves with the window also when the delivered data was never stored in it.
            Forget(origin);
        }

        uint end = start + (uint)data.Length;
        int low = IndexOf(start);
        int high = low;
        while (high < _count && !Sequence.IsAfter(_ranges[high].Start, end))
        {
            high++;
        }

        if (low == high && !HasRoomForRange)
        {
            return false;
        }

        // Ranges low..high-1 touch the new one. Bytes that were received before are not overwritten.
        uint position = start;
        bool complete = true;
        for (int i = low; i <= high && complete && Sequence.IsBefore(position, end); i++)
        {
            uint gapEnd = i < high ? Sequence.Min(_ranges[i].Start, end) : end;
            if (Sequence.IsBefore(position, gapEnd))
            {
                complete = Write(position, data[(int)(position - start)..(int)(gapEnd - start)], out uint written);
                position += written;
            }

            if (complete && i < high)
            {
                position = Sequence.Max(position, _ranges[i].End);
            }
        }

        if (!complete)
        {
            end = position;
            while (high > low && Sequence.IsAfter(_ranges[high - 1].Start, end))
            {
                high--;
            }

            if (start == end)
            {
                return false;
            }
        }

        Merge(low, high, start, end);
        Remember(start);
        return complete;
    }

    /// <summary>The first part of this range that is stored already; null when none is.</summary>
    public SackBlock? FindHeld(uint start, uint end)
    {
        for (int i = IndexOf(start); i < _count && Sequence.IsBefore(_ranges[i].Start, end); i++)
        {
            uint from = Sequence.Max(start, _ranges[i].Start);
            uint to = Sequence.Min(end, _ranges[i].End);
            if (Sequence.IsBefore(from, to))
            {
                return new SackBlock(from, to);
            }
        }

        return null;
    }

    /// <summary>Moves the first range, from this sequence number on, to the writer, or discards it when the writer is null.</summary>
    /// <returns>The number of bytes; 0 when the first range begins later.</returns>
    public int Drain(uint from, IBufferWriter<byte>? writer)
    {
        if (_count == 0 || Sequence.IsAfter(_ranges[0].Start, from))
        {
            return 0;
        }

        uint end = _ranges[0].End;
        Length -= (int)(end - _ranges[0].Start);
        int total = Math.Max(0, (int)(end - from));
        while (writer is not null && Sequence.IsBefore(from, end))
        {
            int at = (int)(from - _origin);
            int inChunk = at % ChunkPool.ChunkSize;
            int count = Math.Min(ChunkPool.ChunkSize - inChunk, (int)(end - from));
            writer.Write(Slot(at / ChunkPool.ChunkSize)!.AsSpan(inChunk, count));
            from += (uint)count;
        }

        _count--;
        Array.Copy(_ranges, 1, _ranges, 0, _count);
        if (_count == 0)
        {
            Clear();
        }
        else
        {
            Forget(end);
        }

        return total;
    }

    /// <summary>Writes the SACK blocks to report, the one with the latest arrival first (RFC 2018, 4).</summary>
    /// <param name="next">The next expected sequence number; data below is acknowledged cumulatively.</param>
    /// <param name="first">Index of the first block to write; 1 behind a D-SACK block.</param>
    /// <param name="max">Most blocks, those before <paramref name="first"/> included.</param>
    /// <param name="blocks">The blocks.</param>
    /// <returns>The number of blocks, those before <paramref name="first"/> included.</returns>
    public int Report(uint next, int first, int max, ref SackBlocks blocks)
    {
        int count = first;
        for (int i = 0; i < _recent.Length && count < max; i++)
        {
            int at = IndexOf(_recent[i] + 1);
            if (at < _count && Sequence.IsBefore(next, _ranges[at].Start) && !Sequence.IsBefore(_recent[i], _ranges[at].Start))
            {
                count = AddOnce(_ranges[at], first, count, ref blocks);
            }
        }

        for (int i = 0; i < _count && count < max; i++)
        {
            if (Sequence.IsBefore(next, _ranges[i].Start))
            {
                count = AddOnce(_ranges[i], first, count, ref blocks);
            }
        }

        return count;
    }

    public void Clear()
    {
        for (int i = 0; i < _ring.Length; i++)
        {
            Free(ref _ring[i]);
        }

        // A short ring is kept for the next gap; a long one would waste the memory of idle connections.
        _ring = _ring.Length <= KeptChunks ? _ring : [];
        _ranges = _ranges.Length <= KeptChunks ? _ranges : [];
        _count = 0;
        Length = 0;
    }

    private bool HasRoomForRange => _count < MaxShortRanges || _count < MaxRanges && Length >= _count * MinMeanRange;

    // The index of the first range that ends at or after this sequence number.
    private int IndexOf(uint sequence)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Sequence.IsBefore(_ranges[middle].End, sequence))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static int AddOnce(SackBlock range, int first, int count, ref SackBlocks blocks)
    {
        for (int i = first; i < count; i++)
        {
            if (blocks[i] == range)
            {
                return count;
            }
        }

        blocks[count] = range;
        return count + 1;
    }

    private void Reset(uint origin, int span)
    {
        _origin = origin;
        _first = 0;
        _maxChunks = span / ChunkPool.ChunkSize + 2;
        Array.Fill(_recent, origin - 1);
    }

    private ref byte[]? Slot(int index) => ref _ring[(_first + index) & (_ring.Length - 1)];

    private bool Write(uint position, ReadOnlySpan<byte> data, out uint written)
    {
        written = 0;
        while (data.Length > 0)
        {
            int at = (int)(position + written - _origin);
            int index = at / ChunkPool.ChunkSize;
            if ((uint)index >= (uint)_maxChunks)
            {
                return false;
            }

            if (index >= _ring.Length)
            {
                Grow(index + 1);
            }

            ref byte[]? chunk = ref Slot(index);
            if (chunk is null)
            {
                chunk = pool.TryRentOutOfOrder(Held);
                if (chunk is null)
                {
                    return false;
                }

                Held += ChunkPool.ChunkSize;
            }

            int inChunk = at % ChunkPool.ChunkSize;
            int count = Math.Min(data.Length, ChunkPool.ChunkSize - inChunk);
            data[..count].CopyTo(chunk.AsSpan(inChunk));
            data = data[count..];
            written += (uint)count;
        }

        return true;
    }

    private void Grow(int chunks)
    {
        var larger = new byte[]?[Math.Max(KeptChunks, (int)BitOperations.RoundUpToPowerOf2((uint)chunks))];
        for (int i = 0; i < _ring.Length; i++)
        {
            larger[i] = Slot(i);
        }

        _ring = larger;
        _first = 0;
    }

    private void Merge(int low, int high, uint start, uint end)
    {
        if (low < high)
        {
            start = Sequence.Min(start, _ranges[low].Start);
            end = Sequence.Max(end, _ranges[high - 1].End);
        }
        else if (_count == _ranges.Length)
        {
            Array.Resize(ref _ranges, Math.Max(KeptChunks, _ranges.Length * 2));
        }

        for (int i = low; i < high; i++)
        {
            Length -= (int)(_ranges[i].End - _ranges[i].Start);
        }

        Length += (int)(end - start);
        Array.Copy(_ranges, high, _ranges, low + 1, _count - high);
        _ranges[low] = new SackBlock(start, end);
        _count += 1 - (high - low);
    }

    private void Remember(uint start)
    {
        Array.Copy(_recent, 0, _recent, 1, _recent.Length - 1);
        _recent[0] = start;
    }

    // Releases the chunks that lie wholly below this sequence number.
    private void Forget(uint below)
    {
        int chunks = Math.Min((int)(below - _origin) / ChunkPool.ChunkSize, _ring.Length);
        for (int i = 0; i < chunks; i++)
        {
            Free(ref Slot(i));
        }

        _first = (_first + chunks) & (_ring.Length - 1);
        _origin += (uint)(chunks * ChunkPool.ChunkSize);
    }

    private void Free(ref byte[]? chunk)
    {
        if (chunk is not null)
        {
            pool.ReturnOutOfOrder(chunk);
            chunk = null;
            Held -= ChunkPool.ChunkSize;
        }
    }
}
