namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>What rules decide about a frame. The default value drops it.</summary>
internal readonly record struct Verdict
{
    public static Verdict Drop => default;

    public static Verdict Accept => new() { Action = FrameAction.Accept };

    public FrameAction Action { get; init; }

    /// <summary>To whom the frame goes instead.</summary>
    public NodeId RedirectTo { get; init; }

    /// <summary>A copy that the capability in force orders; sent before <see cref="BaseCopy"/>.</summary>
    public FrameCopy CapabilityCopy { get; init; }

    /// <summary>A copy that the base rules order.</summary>
    public FrameCopy BaseCopy { get; init; }
}

/// <summary>What becomes of a frame.</summary>
internal enum FrameAction
{
    /// <summary>Nothing: it goes no further, and no copies are sent.</summary>
    Drop,

    /// <summary>It passes.</summary>
    Accept,

    /// <summary>It passes even though its Ethernet addresses are not ours: we observe it.</summary>
    SuperAccept,

    /// <summary>It goes to another member instead.</summary>
    Redirect,
}

/// <summary>A copy of a frame for an observer; the default value is none.</summary>
/// <param name="To">Who gets it.</param>
/// <param name="Length">Bytes of the frame, at most all of it.</param>
/// <param name="IsWatch">WATCH, not TEE.</param>
internal readonly record struct FrameCopy(NodeId To, int Length, bool IsWatch)
{
    public bool IsNone => To == default;
}
