namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>How a packet came.</summary>
/// <param name="PacketId">Its ID as on the wire, to be quoted in replies.</param>
/// <param name="Hops">Number of relays it passed; 0 = direct.</param>
/// <param name="Socket">The socket it arrived on.</param>
/// <param name="Source">The physical sender: the peer, or a relay.</param>
internal readonly record struct PacketInfo(ulong PacketId, int Hops, int Socket, InetEndPoint Source)
{
    /// <summary>Bytes of the whole packet as it came, before it was decompressed.</summary>
    public int Length { get; init; }
}
