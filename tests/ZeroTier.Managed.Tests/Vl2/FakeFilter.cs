using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Rules that decide as the test says and remember what they were asked.</summary>
internal sealed class FakeFilter : IFrameFilter
{
    public Verdict Verdict { get; init; } = Verdict.Accept;

    public int Evaluations { get; private set; }

    public (bool IsInbound, NodeId Source, NodeId Destination, MacAddress SourceMac, MacAddress DestinationMac, ushort EtherType,
        int Length) Last
    { get; private set; }

    public IMemberCredentials? Remote { get; private set; }

    public PortRange OpenPorts => PortRange.All;

    public Verdict Evaluate(in FrameContext frame)
    {
        Evaluations++;
        Last = (frame.IsInbound, frame.Source, frame.Destination, frame.SourceMac, frame.DestinationMac, frame.EtherType,
            frame.Frame.Length);
        Remote = frame.Remote;
        return Verdict;
    }
}
