namespace ZeroTier.Managed.Vl2;

/// <summary>Takes frames that passed every check. Must not throw.</summary>
internal delegate void FrameDelivery(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload);
