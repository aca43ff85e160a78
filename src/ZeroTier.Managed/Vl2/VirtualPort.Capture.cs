using ZeroTier.Managed.Capture;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// Packet capture: every frame about which the rules have decided, so only frames of members, and every copy that rules demand.
/// </summary>
internal sealed partial class VirtualPort
{
    /// <summary>The running captures.</summary>
    public CaptureTap Captures { get; init; } = new();

    private static ReadOnlySpan<byte> Filtered => "dropped by the network's rules"u8;

    private static ReadOnlySpan<byte> Redirected => "redirected by the network's rules"u8;

    private static ReadOnlySpan<byte> Spoofed => "dropped: its source address is not its sender's"u8;

    private static ReadOnlySpan<byte> Misaddressed => "dropped: its Ethernet addresses are not those of its sender and of this node"u8;

    private void Capture(in FrameContext frame, NetworkConfiguration configuration, FrameKind kind, ReadOnlySpan<byte> fate)
    {
        if (Captures.Active is { } captures)
        {
            Capture(
                captures,
                frame,
                configuration,
                frame.IsInbound,
                frame.IsInbound ? frame.Source : frame.Destination,
                frame.Frame.Length,
                Describe(kind),
                fate);
        }
    }

    /// <summary>Captures a copy that is sent, whatever the direction of the frame itself.</summary>
    private void CaptureCopy(in FrameContext frame, NetworkConfiguration configuration, NodeId to, FrameKind kind, int length)
    {
        if (Captures.Active is { } captures)
        {
            Capture(captures, frame, configuration, isInbound: false, to, length, Describe(kind), fate: default);
        }
    }

    private void Capture(
        FrameCapture[] captures,
        in FrameContext frame,
        NetworkConfiguration configuration,
        bool isInbound,
        NodeId peer,
        int length,
        ReadOnlySpan<byte> kind,
        ReadOnlySpan<byte> fate)
    {
        var captured = new CapturedFrame
        {
            Network = _network,
            NetworkName = configuration.Name,
            Own = Mac,
            IsInbound = isInbound,
            Peer = peer,
            Source = frame.SourceMac,
            Destination = frame.DestinationMac,
            EtherType = frame.EtherType,
            Payload = frame.Frame[..length],
            Omitted = frame.Frame.Length - length,
            Kind = kind,
            Fate = fate,
        };
        foreach (var capture in captures)
        {
            capture.Add(captured);
        }
    }

    private static ReadOnlySpan<byte> Describe(FrameKind kind) => kind switch
    {
        FrameKind.TeeOut => "copy of a frame that was sent (TEE)"u8,
        FrameKind.TeeIn => "copy of a frame that was received (TEE)"u8,
        FrameKind.WatchOut => "copy of a frame that was sent (WATCH)"u8,
        FrameKind.WatchIn => "copy of a frame that was received (WATCH)"u8,
        FrameKind.RedirectOut => "redirected on its way out"u8,
        FrameKind.RedirectIn => "redirected on its way in"u8,
        _ => default,
    };
}
