namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// A network's rules, applied to every frame on both sides (docs/protocol/3-vl2.md 3.6). Immutable and thread-safe; evaluation allocates
/// nothing.
/// </summary>
internal interface IFrameFilter
{
    /// <summary>
    /// The TCP ports to which the rules allow connections, if that can be told in advance; otherwise all. Used only for early and clear
    /// error messages; <see cref="Evaluate"/> decides.
    /// </summary>
    PortRange OpenPorts { get; }

    /// <summary>Decides about a frame.</summary>
    Verdict Evaluate(in FrameContext frame);
}
