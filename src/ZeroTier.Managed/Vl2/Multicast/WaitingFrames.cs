namespace ZeroTier.Managed.Vl2.Multicast;

/// <summary>
/// Frames to groups whose subscribers are not all known yet: kept for five seconds, and sent to subscribers that become known
/// (docs/protocol/3-vl2.md 3.8.5). Bounded; guarded by the lock of <see cref="NetworkMulticast"/>.
/// </summary>
internal sealed class WaitingFrames
{
    private const long Lifetime = 5_000;
    private const int MaxPerGroup = 32;
    private const int MaxFrames = 256;

    private readonly List<Frame> _frames = [];

    /// <summary>Adds a frame. At the limit it replaces the oldest of its group, or of all groups.</summary>
    /// <param name="group">The group to which it is sent.</param>
    /// <param name="etherType">The frame's EtherType.</param>
    /// <param name="payload">The packet's payload, with the frame at its end.</param>
    /// <param name="frame">The Ethernet payload.</param>
    /// <param name="sent">The members to which it was sent already.</param>
    /// <param name="remaining">To how many more members it may be sent.</param>
    /// <param name="now">The time, in VL1's milliseconds.</param>
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

    /// <summary>Adds to <paramref name="due"/> the frames that are to be sent to a new subscriber.</summary>
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

    /// <summary>Removes frames that have expired, or that may be sent to no further members.</summary>
    public void Expire(long now) => _frames.RemoveAll(f => f.Expires <= now || f.Remaining == 0);

    /// <summary>A waiting frame.</summary>
    internal sealed record Frame(
        MulticastGroup Group, ushort EtherType, byte[] Payload, int FrameOffset, long Expires, HashSet<NodeId> Sent)
    {
        public int Remaining { get; set; }
    }
}
