using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// D-SACK blocks to report: data that was received twice, which tells the sender that a retransmission was spurious (RFC 2883, 4). An
/// acknowledgement carries one block, so a few are queued; adjacent ones are merged, further ones dropped.
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
