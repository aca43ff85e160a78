namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>The decision of the rules about a frame. The default value drops it.</summary>
internal readonly record struct Verdict
{
    public static Verdict Drop => default;

    public static Verdict Accept => new() { Action = FrameAction.Accept };

    public FrameAction Action { get; init; }

    /// <summary>The member to which the frame is redirected.</summary>
    public NodeId RedirectTo { get; init; }

    /// <summary>A copy demanded by the capability that permitted the frame; sent before <see cref="BaseCopy"/>.</summary>
    public FrameCopy CapabilityCopy { get; init; }

    /// <summary>A copy demanded by the base rules.</summary>
    public FrameCopy BaseCopy { get; init; }
}

/// <summary>What is done with a frame.</summary>
internal enum FrameAction
{
    /// <summary>It is dropped, and no copies are sent.</summary>
    Drop,

    /// <summary>It passes.</summary>
    Accept,

    /// <summary>It passes even if its Ethernet destination is not ours, because rules have sent it to us as an observer.</summary>
    SuperAccept,

    /// <summary>It is sent to another member instead.</summary>
    Redirect,
}

/// <summary>A copy of a frame for an observer; the default value means none.</summary>
/// <param name="To">The receiver of the copy.</param>
/// <param name="Length">How many bytes of the frame are copied.</param>
/// <param name="IsWatch">True for WATCH, false for TEE.</param>
internal readonly record struct FrameCopy(NodeId To, int Length, bool IsWatch)
{
    public bool IsNone => To == default;
}
