namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// Reassembles fragmented packets by their ID (docs/protocol/2-vl1.md 2.3.3). An incomplete packet is dropped after 5 s. Thread-safe.
/// </summary>
/// <remarks>
/// Nodes of ZeroTierOne send each full frame in two pieces. So that several receive threads seldom meet there are several tables; a packet
/// belongs to the one that its ID selects. A sender who chooses the IDs can fill one table, but only up to its share of it.
/// </remarks>
internal sealed class PacketReassembly(DropCounters drops)
{
    private readonly ReassemblyTable?[] _tables = new ReassemblyTable?[Vl1Limits.ReassemblyTables];

    /// <summary>The table that holds the pieces of a packet.</summary>
    public ReassemblyTable TableOf(ulong packetId)
    {
        ref var table = ref _tables[packetId % Vl1Limits.ReassemblyTables];
        if (Volatile.Read(ref table) is null)
        {
            Interlocked.CompareExchange(ref table, new ReassemblyTable(drops), null);
        }

        return table!;
    }

    /// <summary>Drops packets that are still incomplete after 5 s.</summary>
    public void Expire(long now)
    {
        foreach (var table in _tables)
        {
            table?.Expire(now);
        }
    }

    /// <summary>Drops all incomplete packets and returns their buffers.</summary>
    public void Clear() => Expire(long.MaxValue);
}
