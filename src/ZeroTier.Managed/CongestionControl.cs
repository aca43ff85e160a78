namespace ZeroTier.Managed;

/// <summary>The congestion control algorithm, which limits the data that a TCP connection has in flight.</summary>
public enum CongestionControl
{
    /// <summary>
    /// CUBIC (RFC 9438): every loss counts as congestion. The default of most systems. It needs the least processor time, has little
    /// throughput on paths that lose packets at random, such as radio links and long routes, and fills the queues of a path.
    /// </summary>
    Cubic,

    /// <summary>
    /// BBR (draft-ietf-ccwg-bbr), the default: models the path by its delivery rate and its minimum round-trip time. Random loss up to
    /// about 5 % hardly reduces its throughput, and it keeps the queues of the path short. Its packets are paced.
    /// </summary>
    Bbr,
}
