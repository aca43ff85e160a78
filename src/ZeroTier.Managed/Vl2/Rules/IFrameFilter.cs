namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A network's rules, applied to every frame on both sides (docs/protocol/3-vl2.md 3.6). Immutable and thread-safe; evaluation allocates
/// nothing.
/// </summary>
internal interface IFrameFilter
{
    /// <summary>
    /// The TCP ports to which the rules let connections be opened, where they can say; else all. Only for early and clear errors: the
    /// verdict decides.
    /// </summary>
    PortRange OpenPorts { get; }

    /// <summary>What is to become of a frame.</summary>
    Verdict Evaluate(in FrameContext frame);
}
