namespace ZeroTier.Managed.Vl2;

/// <summary>Takes frames that passed every check. Must not throw.</summary>
internal delegate void FrameHandler(IpStack.MacAddress source, IpStack.MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload);
