using System.Buffers;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// One of the tables of <see cref="PacketReassembly"/>. When it is full, or one source endpoint has its share of it, the packet that was
/// begun first gives way. Thread-safe.
/// </summary>
internal sealed class ReassemblyTable(DropCounters drops)
{
    private readonly Lock _lock = new();
    private readonly Slot[] _slots = new Slot[Vl1Limits.ReassemblySlots];

    // The packet IDs of the slots by themselves, to find one without reading all slots; meaningless for free ones.
    private readonly ulong[] _packetIds = new ulong[Vl1Limits.ReassemblySlots];
    private int _used;
    private long _begun;

    /// <summary>Adds a head (piece 0, the datagram with the packet header) or a fragment.</summary>
    /// <param name="packetId">The packet's ID.</param>
    /// <param name="piece">0 for the head.</param>
    /// <param name="total">Number of pieces that a fragment announces; 0 for the head, which does not contain it.</param>
    /// <param name="info">Reception of this piece; that of the head becomes the packet's.</param>
    /// <param name="data">The head, or the data of the fragment.</param>
    /// <param name="now">The time.</param>
    /// <param name="packet">The whole packet in a buffer of the shared pool, which the caller returns; or null.</param>
    /// <param name="length">Its length.</param>
    /// <param name="headInfo">Reception of its head.</param>
    public bool TryComplete(
        ulong packetId,
        int piece,
        int total,
        in PacketInfo info,
        ReadOnlySpan<byte> data,
        long now,
        out byte[]? packet,
        out int length,
        out PacketInfo headInfo)
    {
        packet = null;
        length = 0;
        headInfo = default;
        lock (_lock)
        {
            ref var slot = ref FindOrTake(packetId, info, now);
            if ((slot.Have & 1 << piece) != 0)
            {
                return false;
            }

            if (slot.Length + data.Length > PacketHeader.MaxPacketSize
                || (total != 0 && slot.Total != 0 && slot.Total != total)
                || piece >= (slot.Total != 0 ? slot.Total : Fragments.MaxPieces))
            {
                drops.Add(DropReason.Fragment);
                Free(ref slot);
                return false;
            }

            data.CopyTo(slot.Buffer.AsSpan(slot.Length));
            slot.Starts[piece] = (ushort)slot.Length;
            slot.Lengths[piece] = (ushort)data.Length;
            slot.Length += data.Length;
            slot.InOrder &= piece == 0 ? slot.Have == 0 : slot.Have == (1 << piece) - 1;
            slot.Have |= 1 << piece;
            if (piece == 0)
            {
                slot.HeadInfo = info;
            }

            if (total != 0)
            {
                slot.Total = total;
            }

            if (slot.Total == 0 || slot.Have != (1 << slot.Total) - 1)
            {
                return false;
            }

            headInfo = slot.HeadInfo;
            length = slot.Length;
            packet = slot.InOrder ? slot.Buffer : Join(slot);
            if (slot.InOrder)
            {
                slot.Buffer = null;
            }

            Free(ref slot);
            return true;
        }
    }

    /// <summary>Drops packets that are still incomplete after 5 s.</summary>
    public void Expire(long now)
    {
        lock (_lock)
        {
            foreach (ref var slot in _slots.AsSpan())
            {
                if (slot.Buffer is not null && now - slot.Since >= Vl1Timing.QueueLifetime)
                {
                    drops.Add(DropReason.FragmentTimeout);
                    Free(ref slot);
                }
            }
        }
    }

    private ref Slot FindOrTake(ulong packetId, in PacketInfo info, long now)
    {
        int at = _packetIds.AsSpan().IndexOf(packetId);
        if (at >= 0 && _slots[at].Buffer is not null)
        {
            return ref _slots[at];
        }

        at = Choose(info.Source);
        ref var taken = ref _slots[at];
        if (taken.Buffer is not null)
        {
            drops.Add(DropReason.Fragment);
            Free(ref taken);
        }

        _used++;
        _packetIds[at] = packetId;
        taken.Buffer = ArrayPool<byte>.Shared.Rent(PacketHeader.MaxPacketSize);
        taken.Starts ??= new ushort[Fragments.MaxPieces];
        taken.Lengths ??= new ushort[Fragments.MaxPieces];
        taken.Source = info.Source;
        taken.Since = now;
        taken.Sequence = ++_begun;
        taken.InOrder = true;
        return ref taken;
    }

    // A free slot, or the one that has to give way.
    private int Choose(in InetEndPoint source)
    {
        int free = -1;
        int oldest = 0;
        int oldestOfSource = -1;
        int ofSource = 0;
        for (int i = 0; i < _slots.Length; i++)
        {
            ref var slot = ref _slots[i];
            if (slot.Buffer is null)
            {
                if (_used < Vl1Limits.ReassemblySlotsPerSource)
                {
                    return i;
                }

                free = i;
                continue;
            }

            if (slot.Sequence < _slots[oldest].Sequence)
            {
                oldest = i;
            }

            if (slot.Source == source)
            {
                ofSource++;
                if (oldestOfSource < 0 || slot.Sequence < _slots[oldestOfSource].Sequence)
                {
                    oldestOfSource = i;
                }
            }
        }

        return ofSource >= Vl1Limits.ReassemblySlotsPerSource ? oldestOfSource : free >= 0 ? free : oldest;
    }

    private static byte[] Join(in Slot slot)
    {
        byte[] joined = ArrayPool<byte>.Shared.Rent(PacketHeader.MaxPacketSize);
        int at = 0;
        for (int i = 0; i < slot.Total; i++)
        {
            slot.Buffer.AsSpan(slot.Starts[i], slot.Lengths[i]).CopyTo(joined.AsSpan(at));
            at += slot.Lengths[i];
        }

        return joined;
    }

    private void Free(ref Slot slot)
    {
        if (slot.Buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(slot.Buffer);
        }

        _used--;
        slot = new Slot { Starts = slot.Starts, Lengths = slot.Lengths };
    }

    private struct Slot
    {
        public byte[]? Buffer;
        public ushort[] Starts;
        public ushort[] Lengths;
        public InetEndPoint Source;
        public PacketInfo HeadInfo;
        public long Since;

        // Number of the packet in order of arrival; the time is too coarse for that.
        public long Sequence;
        public int Length;
        public int Have;
        public int Total;
        public bool InOrder;
    }
}
