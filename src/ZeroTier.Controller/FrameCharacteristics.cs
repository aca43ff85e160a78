namespace ZeroTier.Controller;

/// <summary>The properties of a frame that <see cref="NetworkRule.Characteristics"/> matches (docs/protocol/3-vl2.md 3.6.3).</summary>
[Flags]
public enum FrameCharacteristics : ulong
{
    /// <summary>No characteristic: never matches.</summary>
    None = 0,

    /// <summary>TCP FIN: no more data from the sender.</summary>
    TcpFin = 1UL << 0,

    /// <summary>TCP SYN: a connection is being opened.</summary>
    TcpSyn = 1UL << 1,

    /// <summary>TCP RST: the connection is reset.</summary>
    TcpRst = 1UL << 2,

    /// <summary>TCP PSH: push.</summary>
    TcpPsh = 1UL << 3,

    /// <summary>TCP ACK: an acknowledgement, set in all segments of a connection except the first.</summary>
    TcpAck = 1UL << 4,

    /// <summary>TCP URG: urgent data.</summary>
    TcpUrg = 1UL << 5,

    /// <summary>TCP ECE: congestion was experienced.</summary>
    TcpEce = 1UL << 6,

    /// <summary>TCP CWR: the congestion window was reduced.</summary>
    TcpCwr = 1UL << 7,

    /// <summary>TCP NS: nonce sum.</summary>
    TcpNs = 1UL << 8,

    /// <summary>TCP: the lowest of three reserved bits.</summary>
    TcpReserved2 = 1UL << 9,

    /// <summary>TCP: the middle one of three reserved bits.</summary>
    TcpReserved1 = 1UL << 10,

    /// <summary>TCP: the highest of three reserved bits.</summary>
    TcpReserved0 = 1UL << 11,

    /// <summary>The sender's certificate of ownership covers the source MAC address.</summary>
    MacAuthenticated = 1UL << 59,

    /// <summary>The sender's certificate of ownership covers the source IP address.</summary>
    IPAuthenticated = 1UL << 60,

    /// <summary>The destination is the broadcast address.</summary>
    Broadcast = 1UL << 61,

    /// <summary>The destination is a multicast or broadcast address.</summary>
    Multicast = 1UL << 62,

    /// <summary>The frame is incoming; not set for outgoing frames.</summary>
    Inbound = 1UL << 63,
}
