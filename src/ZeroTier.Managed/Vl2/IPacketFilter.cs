namespace ZeroTier.Managed.Vl2;

/// <summary>A network's rules, applied to every frame on both sides (chapter 3.6). Thread-safe.</summary>
internal interface IPacketFilter
{
    /// <summary>True when the rules let the frame pass.</summary>
    /// <param name="etherType">The frame's type.</param>
    /// <param name="frame">The Ethernet payload.</param>
    bool Accepts(ushort etherType, ReadOnlySpan<byte> frame);
}
