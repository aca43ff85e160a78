using System.Buffers;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Unacknowledged and unsent bytes, in pooled chunks. Holds no chunk while empty. Guarded by the connection's lock.
/// </summary>
internal sealed class SendBuffer(ChunkPool pool)
{
    // Of the ring of an empty buffer: a connection that has sent much may be idle from now on.
    private const int KeptRing = 64;

    private readonly List<byte[]> _released = [];
    private byte[]?[] _ring = [];
    private int _first;
    private int _chunks;

    // Offset of the first byte in the first chunk.
    private int _offset;
    private bool _held;

    public int Length { get; private set; }

    /// <summary>Bytes of the chunks that are held.</summary>
    public int Held => _chunks * ChunkPool.ChunkSize;

    /// <summary>Copies bytes to the end.</summary>
    public void Append(in ReadOnlySequence<byte> data)
    {
        foreach (ReadOnlyMemory<byte> memory in data)
        {
            Append(memory.Span);
        }
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            int end = _offset + Length;
            if (end == _chunks * ChunkPool.ChunkSize)
            {
                AddChunk();
            }

            int at = end % ChunkPool.ChunkSize;
            int count = Math.Min(data.Length, ChunkPool.ChunkSize - at);
            data[..count].CopyTo(Chunk(end / ChunkPool.ChunkSize).AsSpan(at));
            data = data[count..];
            Length += count;
        }
    }

    /// <summary>Points a segment's payload at bytes of the buffer. At most <see cref="ChunkPool.ChunkSize"/> bytes.</summary>
    public void Slice(int start, int count, ref OutgoingSegment segment)
    {
        int at = _offset + start;
        int inChunk = at % ChunkPool.ChunkSize;
        int first = Math.Min(count, ChunkPool.ChunkSize - inChunk);
        segment.First = Chunk(at / ChunkPool.ChunkSize).AsMemory(inChunk, first);
        segment.Second = first == count ? default : Chunk(at / ChunkPool.ChunkSize + 1).AsMemory(0, count - first);
    }

    /// <summary>Removes acknowledged bytes from the front.</summary>
    public void Discard(int count)
    {
        _offset += count;
        Length -= count;
        int gone = Length == 0 ? _chunks : _offset / ChunkPool.ChunkSize;
        for (int i = 0; i < gone; i++)
        {
            ref byte[]? slot = ref _ring[_first];
            Release(slot!);
            slot = null;
            _first = (_first + 1) & (_ring.Length - 1);
        }

        _chunks -= gone;
        if (_chunks == 0 && _ring.Length > KeptRing)
        {
            _ring = [];
            _first = 0;
        }

        _offset = Length == 0 ? 0 : _offset - gone * ChunkPool.ChunkSize;
    }

    /// <summary>Removes all bytes.</summary>
    public void Clear()
    {
        Discard(Length);
        _ring = [];
        _first = 0;
    }

    /// <summary>Until <see cref="EndHold"/>, discarded chunks are not returned to the pool: planned segments may refer to them.</summary>
    public void Hold() => _held = true;

    /// <summary>Planned segments have been written: returns the chunks discarded since <see cref="Hold"/>.</summary>
    public void EndHold()
    {
        _held = false;
        foreach (byte[] chunk in _released)
        {
            pool.Return(chunk);
        }

        _released.Clear();
    }

    private byte[] Chunk(int index) => _ring[(_first + index) & (_ring.Length - 1)]!;

    private void Release(byte[] chunk)
    {
        if (_held)
        {
            _released.Add(chunk);
        }
        else
        {
            pool.Return(chunk);
        }
    }

    private void AddChunk()
    {
        if (_chunks == _ring.Length)
        {
            var larger = new byte[]?[Math.Max(4, _ring.Length * 2)];
            for (int i = 0; i < _chunks; i++)
            {
                larger[i] = Chunk(i);
            }

            _ring = larger;
            _first = 0;
        }

        _ring[(_first + _chunks) & (_ring.Length - 1)] = pool.Rent();
        _chunks++;
    }
}
