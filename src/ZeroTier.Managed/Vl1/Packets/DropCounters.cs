namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Counts dropped packets by reason, under stable names. Thread-safe.</summary>
internal sealed class DropCounters
{
    private static readonly string[] Names =
    [
        "vl1.short", "vl1.malformed", "vl1.own-source", "vl1.mac", "vl1.suite", "vl1.compression", "vl1.address", "vl1.not-relayed",
        "vl1.hops", "vl1.no-route", "vl1.unknown-source", "vl1.hello-gate", "vl1.hello-identity", "vl1.hello-version", "vl1.unexpected",
        "vl1.not-upstream", "vl1.rate-gate", "vl1.amplification", "vl1.fragment", "vl1.fragment-timeout", "vl1.queue-full",
        "vl1.queue-timeout",
        "vl1.table-full", "vl1.too-long", "vl1.client", "vl1.internal",
    ];

    private readonly long[] _counts = new long[Names.Length];

    /// <summary>Number of drops for a reason.</summary>
    public long this[DropReason reason] => Volatile.Read(ref _counts[(int)reason]);

    /// <summary>Counts one drop.</summary>
    public void Add(DropReason reason) => Interlocked.Increment(ref _counts[(int)reason]);

    /// <summary>Counts several drops.</summary>
    public void Add(DropReason reason, int count) => Interlocked.Add(ref _counts[(int)reason], count);

    /// <summary>Adds the reasons that occurred to a snapshot.</summary>
    public void AddTo(IDictionary<string, long> snapshot)
    {
        for (int i = 0; i < Names.Length; i++)
        {
            if (Volatile.Read(ref _counts[i]) is var count and not 0)
            {
                snapshot[Names[i]] = count;
            }
        }
    }
}
