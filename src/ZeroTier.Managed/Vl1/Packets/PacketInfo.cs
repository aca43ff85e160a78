namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Facts about the reception of a packet.</summary>
/// <param name="PacketId">Its ID as on the wire, to be quoted in replies.</param>
/// <param name="Hops">Number of relays it passed; 0 = direct.</param>
/// <param name="Socket">The socket it arrived on.</param>
/// <param name="Source">The physical source endpoint: the peer's, or a relay's.</param>
internal readonly record struct PacketInfo(ulong PacketId, int Hops, int Socket, InetEndPoint Source)
{
    /// <summary>Bytes of the whole packet as received, before decompression.</summary>
    public int Length { get; init; }
}
