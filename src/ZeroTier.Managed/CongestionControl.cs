namespace ZeroTier.Managed;

/// <summary>What decides how much a TCP connection may have in flight.</summary>
public enum CongestionControl
{
    /// <summary>
    /// CUBIC (RFC 9438): every loss counts as congestion. The rule on most systems; the most throughput on short paths, little on paths
    /// that lose packets at random, such as radio links and long routes.
    /// </summary>
    Cubic,

    /// <summary>
    /// BBR (draft-ietf-ccwg-bbr): a model of the path, from the rate at which it delivers and its shortest round trip. Random loss up to
    /// about one packet in a hundred hardly slows it down, and it keeps the queues of a path short. It lets packets out by timer, which
    /// costs throughput on paths of more than some 100 MB/s.
    /// </summary>
    Bbr,
}
