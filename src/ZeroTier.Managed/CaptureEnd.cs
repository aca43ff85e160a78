namespace ZeroTier.Managed;

/// <summary>Why a <see cref="FrameCapture"/> has ended.</summary>
public enum CaptureEnd
{
    /// <summary>The capture was stopped, or its node was disposed of.</summary>
    Stopped,

    /// <summary>The capture has reached <see cref="CaptureOptions.MaxSize"/>.</summary>
    SizeReached,

    /// <summary>The capture could not be written; <see cref="FrameCapture.Error"/> contains the reason.</summary>
    Failed,
}
