namespace ZeroTier.Managed;

/// <summary>Why a <see cref="FrameCapture"/> has ended.</summary>
public enum CaptureEnd
{
    /// <summary>It was stopped, or its node was disposed of.</summary>
    Stopped,

    /// <summary>It has reached <see cref="CaptureOptions.MaxSize"/>.</summary>
    SizeReached,

    /// <summary>It could not be written; <see cref="FrameCapture.Error"/> says why.</summary>
    Failed,
}
