using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Received data that had been received before, to be reported to the sender (RFC 2883, 4): that tells it which of its retransmissions were needless. One block
/// fits into an acknowledgement, so a few wait; neighbours become one, and what is too much is forgotten.
/// </summary>
internal struct DuplicateSackBlocks
{
    private const int Capacity = 8;

    private Blocks _blocks;
    private int _count;

    public readonly bool IsEmpty => _count == 0;

    public void Add(SackBlock block)
    {
        if (_count > 0 && _blocks[_count - 1].End == block.Start)
        {
            _blocks[_count - 1] = new SackBlock(_blocks[_count - 1].Start, block.End);
        }
        else if (_count < Capacity)
        {
            _blocks[_count++] = block;
        }
    }

    /// <summary>The oldest one.</summary>
    public bool TryTake(out SackBlock block)
    {
        block = default;
        if (_count == 0)
        {
            return false;
        }

        block = _blocks[0];
        _count--;
        Span<SackBlock> blocks = _blocks;
        blocks[1..(_count + 1)].CopyTo(blocks);
        return true;
    }

    [InlineArray(Capacity)]
    private struct Blocks
    {
        private SackBlock _first;
    }
}
