namespace ZeroTier.Controller;

/// <summary>What <see cref="NetworkRule.Characteristics"/> asks about a frame (docs/protocol/3-vl2.md 3.6.3).</summary>
[Flags]
public enum FrameCharacteristics : ulong
{
    /// <summary>Nothing: a match by it never holds.</summary>
    None = 0,

    /// <summary>TCP: no more data from the sender.</summary>
    TcpFin = 1UL << 0,

    /// <summary>TCP: a connection is being opened.</summary>
    TcpSyn = 1UL << 1,

    /// <summary>TCP: the connection is reset.</summary>
    TcpRst = 1UL << 2,

    /// <summary>TCP: push.</summary>
    TcpPsh = 1UL << 3,

    /// <summary>TCP: an acknowledgement; all segments of a connection but the first have it.</summary>
    TcpAck = 1UL << 4,

    /// <summary>TCP: urgent data.</summary>
    TcpUrg = 1UL << 5,

    /// <summary>TCP: congestion was experienced.</summary>
    TcpEce = 1UL << 6,

    /// <summary>TCP: the congestion window was reduced.</summary>
    TcpCwr = 1UL << 7,

    /// <summary>TCP: nonce sum.</summary>
    TcpNs = 1UL << 8,

    /// <summary>TCP: the lowest of three reserved bits.</summary>
    TcpReserved2 = 1UL << 9,

    /// <summary>TCP: the middle one of three reserved bits.</summary>
    TcpReserved1 = 1UL << 10,

    /// <summary>TCP: the highest of three reserved bits.</summary>
    TcpReserved0 = 1UL << 11,

    /// <summary>The sender proves that it owns its Ethernet address.</summary>
    MacAuthenticated = 1UL << 59,

    /// <summary>The sender proves that it owns its IP address.</summary>
    IPAuthenticated = 1UL << 60,

    /// <summary>To everybody.</summary>
    Broadcast = 1UL << 61,

    /// <summary>To a group, or to everybody.</summary>
    Multicast = 1UL << 62,

    /// <summary>The frame comes in; without it, it goes out.</summary>
    Inbound = 1UL << 63,
}
