namespace ZeroTier.Managed.Vl2;

/// <summary>The flags of an EXT_FRAME that tell why it is sent (docs/protocol/3-vl2.md 3.6.2).</summary>
internal enum FrameKind : byte
{
    /// <summary>A frame from or to an Ethernet address behind a bridge.</summary>
    Normal = 0x00,

    TeeOut = 0x02,
    RedirectOut = 0x04,
    TeeIn = 0x08,
    RedirectIn = 0x0a,
    WatchOut = 0x16,
    WatchIn = 0x1c,
}
