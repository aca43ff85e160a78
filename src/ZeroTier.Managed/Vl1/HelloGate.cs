using System.Net.Sockets;
using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Managed.Vl1;

/// <summary>
/// Limits what unknown identities may cost us (chapter 2.20): one per 2 s and source prefix, and a budget for all together.
/// Guarded by the control lock.
/// </summary>
/// <remarks>
/// In a loopback planet all nodes share one prefix; there the port counts as well, and the common budget alone limits the work.
/// </remarks>
internal sealed class HelloGate
{
    private const int Buckets = 1 << 14;
    private readonly long[] _last = new long[Buckets];
    private WorkBudget _agreements = new(Vl1Limits.AgreementBurst, Vl1Limits.AgreementsPerSecond);
    private WorkBudget _proofs = new(Vl1Limits.ProofBurst, Vl1Limits.ProofsPerSecond);

    public HelloGate() => Array.Fill(_last, Vl1Timing.Never);

    /// <summary>Whether an unknown identity from there may be looked at.</summary>
    public bool TryPass(in InetEndPoint source, bool byPort, long now)
    {
        ref long last = ref _last[Bucket(source, byPort)];
        if (now - last < Vl1Timing.IdentityGate || !_agreements.TryTake(now))
        {
            return false;
        }

        last = now;
        return true;
    }

    /// <summary>Whether one more proof of work may be checked.</summary>
    public bool TryTakeProof(long now) => _proofs.TryTake(now);

    private static int Bucket(in InetEndPoint source, bool byPort)
    {
        Span<byte> b = stackalloc byte[16];
        source.WriteAddress(b);
        uint hash;
        if (source.Family == AddressFamily.InterNetwork)
        {
            hash = (uint)(b[0] << 16 | b[1] << 8 | b[2]);
            hash ^= hash >> 14;
        }
        else
        {
            hash = 0;
            foreach (byte value in b[..6])
            {
                hash = 2 * hash + value;
            }
        }

        return (int)((byPort ? hash + source.Port : hash) & (Buckets - 1));
    }
}

/// <summary>So much at once, and so much per second.</summary>
internal struct WorkBudget(int burst, int perSecond)
{
    private long _tokens = burst * 1000L;
    private long _last = Vl1Timing.Never;

    public bool TryTake(long now)
    {
        long passed = Math.Clamp(now - _last, 0, 3_600_000);
        _last = now;
        _tokens = Math.Min(burst * 1000L, _tokens + passed * perSecond);
        if (_tokens < 1000)
        {
            return false;
        }

        _tokens -= 1000;
        return true;
    }
}
