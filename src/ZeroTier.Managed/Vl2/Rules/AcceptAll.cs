namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>The filter of a network without rules: accepts all frames (docs/protocol/3-vl2.md 3.10.2).</summary>
internal sealed class AcceptAll : IFrameFilter
{
    public static AcceptAll Instance { get; } = new();

    public PortRange OpenPorts => PortRange.All;

    public Verdict Evaluate(in FrameContext frame) => Verdict.Accept;
}
