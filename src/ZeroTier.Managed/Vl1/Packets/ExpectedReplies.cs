namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// The IDs of sent packets that may be answered with an OK. An OK that quotes any other ID is dropped (docs/protocol/2-vl1.md 2.5.3). A
/// fixed table of 256 rings of 32 entries; a new entry overwrites the oldest of its ring. Lock-free.
/// </summary>
/// <remarks>
/// Unlike in ZeroTierOne 1.12, an entry is made of the whole ID and the address of the node asked: no other node can answer in its place,
/// not even a relay that saw the ID.
/// </remarks>
internal sealed class ExpectedReplies
{
    private const int Rings = 256;
    private const int RingSize = 32;
    private readonly ulong[] _entries = new ulong[Rings * RingSize];
    private readonly int[] _next = new int[Rings];

    /// <summary>Adds a packet that was sent.</summary>
    public void Add(ulong packetId, NodeId destination)
    {
        ulong entry = Entry(packetId, destination);
        int ring = (int)(entry & (Rings - 1));
        int slot = Interlocked.Increment(ref _next[ring]) & (RingSize - 1);
        Volatile.Write(ref _entries[ring * RingSize + slot], entry);
    }

    /// <summary>Whether this packet was sent to this node and may still be answered.</summary>
    public bool Contains(ulong packetId, NodeId source) => Find(Entry(packetId, source)) >= 0;

    /// <summary>As <see cref="Contains"/>, and removes the entry, so that a replayed answer is not accepted.</summary>
    public bool TryTake(ulong packetId, NodeId source)
    {
        ulong entry = Entry(packetId, source);
        return Find(entry) is >= 0 and int at && Interlocked.CompareExchange(ref _entries[at], 0, entry) == entry;
    }

    private int Find(ulong entry)
    {
        // A sender can choose the quoted ID such that the entry is 0, the value of empty slots.
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

    /// <summary>
    /// Whether a packet of this verb is answered with OK. FRAME, for example, is not; entries for it would only evict others.
    /// </summary>
    public static bool IsAnswered(Verb verb, ReadOnlySpan<byte> payload) => verb switch
    {
        Verb.ExtFrame => payload.Length > 8 && (payload[8] & 0x10) != 0,
        Verb.Hello or Verb.Whois or Verb.Echo or Verb.NetworkConfigRequest or Verb.NetworkConfig or Verb.MulticastGather
        or Verb.MulticastFrame => true,
        _ => false,
    };

    // The ID is random, and stays so when the address is mixed in. An entry of 0 means an empty slot: one ID of 2^64 cannot be answered.
    private static ulong Entry(ulong packetId, NodeId node) => packetId ^ node.Value * 0x9e3779b97f4a7c15;
}
