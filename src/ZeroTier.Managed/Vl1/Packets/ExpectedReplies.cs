namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// The IDs of packets that may be answered with an OK: one that quotes anything else is not believed (docs/protocol/2-vl1.md 2.5.3). A
/// fixed table of 256 rings of 32; the oldest of a ring is forgotten. Lock-free.
/// </summary>
/// <remarks>
/// Unlike ZeroTierOne 1.12's, entries hold the whole ID and the node asked: no other node can answer in its place, not even a relay that
/// saw the ID.
/// </remarks>
internal sealed class ExpectedReplies
{
    private const int Rings = 256;
    private const int RingSize = 32;
    private readonly ulong[] _entries = new ulong[Rings * RingSize];
    private readonly int[] _next = new int[Rings];

    /// <summary>Notes a packet that was sent.</summary>
    public void Add(ulong packetId, NodeId destination)
    {
        ulong entry = Entry(packetId, destination);
        int ring = (int)(entry & (Rings - 1));
        int slot = Interlocked.Increment(ref _next[ring]) & (RingSize - 1);
        Volatile.Write(ref _entries[ring * RingSize + slot], entry);
    }

    /// <summary>Whether a node may be answering that packet.</summary>
    public bool Contains(ulong packetId, NodeId source) => Find(Entry(packetId, source)) >= 0;

    /// <summary>As <see cref="Contains"/>, and removes the entry, so that a replayed answer is not accepted.</summary>
    public bool TryTake(ulong packetId, NodeId source)
    {
        ulong entry = Entry(packetId, source);
        return Find(entry) is >= 0 and int at && Interlocked.CompareExchange(ref _entries[at], 0, entry) == entry;
    }

    private int Find(ulong entry)
    {
        // The sender chooses the ID that it quotes, and so can make 0, which every empty slot holds.
        if (entry == 0)
        {
            return -1;
        }

        int ring = (int)(entry & (Rings - 1));
        for (int i = ring * RingSize; i < (ring + 1) * RingSize; i++)
        {
            if (Volatile.Read(ref _entries[i]) == entry)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Whether verbs of this kind are answered with OK. FRAMEs are not; entries for them would only evict others.</summary>
    public static bool IsAnswered(Verb verb, ReadOnlySpan<byte> payload) => verb switch
    {
        Verb.ExtFrame => payload.Length > 8 && (payload[8] & 0x10) != 0,
        Verb.Hello or Verb.Whois or Verb.Echo or Verb.NetworkConfigRequest or Verb.NetworkConfig or Verb.MulticastGather
        or Verb.MulticastFrame => true,
        _ => false,
    };

    // The ID is random, so that mixing in the address keeps it so. 0 means an empty slot: one packet of 2^64 cannot be answered.
    private static ulong Entry(ulong packetId, NodeId node) => packetId ^ node.Value * 0x9e3779b97f4a7c15;
}
