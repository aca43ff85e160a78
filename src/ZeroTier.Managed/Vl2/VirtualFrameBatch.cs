using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2;

/// <summary>A batch of frames to send, written directly into their VL1 packets.</summary>
internal sealed class VirtualFrameBatch(VirtualPort port, IdlePool<VirtualFrameBatch> pool) : FrameBatch
{
    private Vl1Batch? _packets;

    public void Begin(Vl1Batch packets) => _packets = packets;

    public override Span<byte> Reserve(int length) =>
        _packets!.Reserve(VirtualPort.FrameHeaderLength + length)[VirtualPort.FrameHeaderLength..];

    public override void Commit(MacAddress destination, ushort etherType)
    {
        var packet = _packets!.Reserved;
        if (!port.MaySend(destination, etherType, packet[VirtualPort.FrameHeaderLength..], out var member))
        {
            return;
        }

        port.WriteFrameHeader(packet, etherType);
        _packets.Commit(member, Verb.Frame);
    }

    public override void Send()
    {
        var packets = _packets!;
        _packets = null;
        packets.Send();
        packets.Dispose();
        pool.Return(this);
    }
}
