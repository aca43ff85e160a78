namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>
/// Frames for groups whose members are not all known yet: they wait five seconds for further ones (docs/protocol/3-vl2.md 3.8.5). Bounded;
/// guarded by the lock of <see cref="NetworkMulticast"/>.
/// </summary>
internal sealed class WaitingFrames
{
    private const long Lifetime = 5_000;
    private const int MaxPerGroup = 32;
    private const int MaxFrames = 256;

    private readonly List<Frame> _frames = [];

    /// <summary>Keeps a frame; the oldest of its group, or of all, gives way.</summary>
    /// <param name="group">Where it goes.</param>
    /// <param name="etherType">What it holds.</param>
    /// <param name="payload">The packet, with the frame at its end.</param>
    /// <param name="frame">The Ethernet payload.</param>
    /// <param name="sent">Who has it already.</param>
    /// <param name="remaining">How many more may get it.</param>
    /// <param name="now">Milliseconds of VL1.</param>
    public void Add(
        MulticastGroup group, ushort etherType, byte[] payload, ReadOnlySpan<byte> frame, IEnumerable<NodeId> sent, int remaining, long now)
    {
        if (remaining <= 0)
        {
            return;
        }

        Expire(now);
        if (_frames.Count(f => f.Group == group) >= MaxPerGroup)
        {
            _frames.RemoveAt(_frames.FindIndex(f => f.Group == group));
        }
        else if (_frames.Count >= MaxFrames)
        {
            _frames.RemoveAt(0);
        }

        _frames.Add(
            new Frame(group, etherType, payload, payload.Length - frame.Length, now + Lifetime, [.. sent]) { Remaining = remaining });
    }

    /// <summary>Adds the frames that a new member is to get.</summary>
    public void Take(MulticastGroup group, NodeId member, long now, List<(NodeId Member, Frame Frame)> due)
    {
        foreach (Frame frame in _frames)
        {
            if (frame.Group == group && frame.Expires > now && frame.Remaining > 0 && frame.Sent.Add(member))
            {
                frame.Remaining--;
                due.Add((member, frame));
            }
        }
    }

    /// <summary>Forgets what has waited long enough.</summary>
    public void Expire(long now) => _frames.RemoveAll(f => f.Expires <= now || f.Remaining == 0);

    /// <summary>A frame that waits.</summary>
    internal sealed record Frame(
        MulticastGroup Group, ushort EtherType, byte[] Payload, int FrameOffset, long Expires, HashSet<NodeId> Sent)
    {
        public int Remaining { get; set; }
    }
}
