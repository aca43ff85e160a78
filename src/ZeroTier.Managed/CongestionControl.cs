namespace ZeroTier.Managed;

/// <summary>The congestion control algorithm, which limits the data that a TCP connection has in flight.</summary>
public enum CongestionControl
{
    /// <summary>
    /// CUBIC (RFC 9438): every loss counts as congestion. The default of most systems. It has the highest throughput on short paths, but
    /// little on paths that lose packets at random, such as radio links and long routes.
    /// </summary>
    Cubic,

    /// <summary>
    /// BBR (draft-ietf-ccwg-bbr): models the path by its delivery rate and its minimum round-trip time. Random loss up to about 1 % hardly
    /// reduces its throughput, and it keeps the queues of the path short. Its packets are paced by a timer, which costs throughput on paths
    /// faster than about 100 MB/s.
    /// </summary>
    Bbr,
}
