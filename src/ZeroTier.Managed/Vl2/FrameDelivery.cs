namespace ZeroTier.Managed.Vl2;

/// <summary>Handles received frames that have passed all checks. Must not throw.</summary>
internal delegate void FrameDelivery(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload);
