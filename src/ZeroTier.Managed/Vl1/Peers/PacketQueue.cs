using System.Buffers;

namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>
/// Copies of packets that wait for an identity, a path or credentials, oldest first. Bounded in total and per node; packets are dropped
/// when they expire, usually after 5 s (docs/protocol/2-vl1.md 2.5.4). Guarded by the control lock.
/// </summary>
/// <param name="capacity">Most packets.</param>
/// <param name="capacityPerNode">Most packets of one node; a further one replaces its oldest.</param>
/// <param name="drops">Counts evicted and expired packets.</param>
internal sealed class PacketQueue(int capacity, int capacityPerNode, DropCounters drops)
{
    private readonly LinkedList<WaitingPacket> _packets = new();

    public int Count => _packets.Count;

    public void Add(NodeId node, Verb verb, in PacketInfo info, ReadOnlySpan<byte> bytes, long expires)
    {
        int ofNode = 0;
        LinkedListNode<WaitingPacket>? oldestOfNode = null;
        for (var at = _packets.First; at is not null; at = at.Next)
        {
            if (at.Value.Node == node)
            {
                ofNode++;
                oldestOfNode ??= at;
            }
        }

        var evicted = ofNode >= capacityPerNode ? oldestOfNode : _packets.Count >= capacity ? _packets.First : null;
        if (evicted is not null)
        {
            drops.Add(DropReason.QueueFull);
            ArrayPool<byte>.Shared.Return(evicted.Value.Buffer);
            _packets.Remove(evicted);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        _packets.AddLast(new WaitingPacket(node, verb, info, buffer, bytes.Length, expires));
    }

    /// <summary>
    /// Takes all packets that satisfy the condition, in order of arrival. The caller returns their buffers to the shared pool.
    /// </summary>
    public void Take(Func<WaitingPacket, bool> condition, List<WaitingPacket> taken)
    {
        for (var at = _packets.First; at is not null;)
        {
            var next = at.Next;
            if (condition(at.Value))
            {
                taken.Add(at.Value);
                _packets.Remove(at);
            }

            at = next;
        }
    }

    /// <summary>Drops expired packets.</summary>
    public void Expire(long now)
    {
        for (var at = _packets.First; at is not null;)
        {
            var next = at.Next;
            if (at.Value.Expires <= now)
            {
                drops.Add(DropReason.QueueTimeout);
                ArrayPool<byte>.Shared.Return(at.Value.Buffer);
                _packets.Remove(at);
            }

            at = next;
        }
    }

    /// <summary>Drops all packets and returns their buffers.</summary>
    public void Clear() => Expire(long.MaxValue);
}

/// <summary>A waiting packet.</summary>
/// <param name="Node">The node whose identity, path or credentials it waits for.</param>
/// <param name="Verb">Its verb, if it is decrypted.</param>
/// <param name="Info">Its reception.</param>
/// <param name="Buffer">From the shared pool: the payload of a decrypted packet, or a whole encrypted packet.</param>
/// <param name="Length">Bytes used in the buffer.</param>
/// <param name="Expires">When it is dropped.</param>
internal readonly record struct WaitingPacket(NodeId Node, Verb Verb, PacketInfo Info, byte[] Buffer, int Length, long Expires)
{
    public Span<byte> Bytes => Buffer.AsSpan(0, Length);
}
