using System.Buffers;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>Queue of packets whose destination is not known or not reachable yet. Under the control lock.</summary>
internal sealed class SendQueue(ControlPlane control, PeerTable peers, Router router)
{
    private readonly PacketQueue _packets = new(
        Vl1Limits.QueuedPackets, Vl1Limits.QueuedPacketsPerDestination, control.Drops);

    /// <summary>Queues a copy of a packet for up to 5 s.</summary>
    public void Add(NodeId destination, Verb verb, ReadOnlySpan<byte> payload, long now) =>
        _packets.Add(destination, verb, default, payload, now + Vl1Timing.QueueLifetime);

    /// <summary>Drops packets that have waited for 5 s.</summary>
    public void Expire(long now) => _packets.Expire(now);

    /// <summary>Drops all packets.</summary>
    public void Clear() => _packets.Clear();

    /// <summary>Sends the queued packets to a node, or to all nodes when null, for which there is a route now.</summary>
    public void Flush(NodeId? only)
    {
        if (_packets.Count == 0)
        {
            return;
        }

        var packets = new List<WaitingPacket>();
        _packets.Take(
            packet => (only is null || packet.Node == only) && peers.Find(packet.Node) is { } peer && router.TryFindWay(peer, out _, out _),
            packets);
        foreach (var packet in packets)
        {
            if (peers.Find(packet.Node) is { } peer)
            {
                router.Emit(peer, packet.Verb, packet.Bytes);
            }

            ArrayPool<byte>.Shared.Return(packet.Buffer);
        }
    }
}
