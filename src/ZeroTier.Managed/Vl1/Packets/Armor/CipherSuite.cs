namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>How a packet is protected: bits 3 to 5 of its flags byte (docs/protocol/1-identity-and-crypto.md 1.8).</summary>
internal enum CipherSuite : byte
{
    /// <summary>Authenticated, not encrypted: HELLO.</summary>
    Poly1305 = 0,

    /// <summary>Encrypted and authenticated, for peers below protocol version 12.</summary>
    Salsa20Poly1305 = 1,

    /// <summary>Neither authenticated nor encrypted: between physical addresses configured as trusted paths.</summary>
    TrustedPath = 2,

    /// <summary>Encrypted and authenticated, for peers of protocol version 12 and up.</summary>
    AesGmacSiv = 3,
}
