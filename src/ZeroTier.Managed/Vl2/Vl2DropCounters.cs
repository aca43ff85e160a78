namespace ZeroTier.Managed.Vl2;

/// <summary>Why VL2 dropped a packet or a frame; the names for statistics are in <see cref="Vl2DropCounters"/>.</summary>
internal enum Vl2Drop
{
    /// <summary>Shorter than its fields, or without a payload.</summary>
    Malformed,

    /// <summary>For a network that is not joined, or not configured.</summary>
    NotJoined,

    /// <summary>A verb that is not supported, or a configuration packet that was not accepted.</summary>
    Unsupported,

    /// <summary>An Ethernet address that the sender may not use, or that is not ours.</summary>
    ForeignMac,

    /// <summary>An IP source that does not belong to the authenticated sender.</summary>
    SpoofedSource,

    /// <summary>Incoming: dropped by the network's rules.</summary>
    FilteredIn,

    /// <summary>Outgoing: dropped by the network's rules.</summary>
    FilteredOut,

    /// <summary>A multicast or broadcast frame that the network does not allow, or an invalid MULTICAST_FRAME.</summary>
    Multicast,

    /// <summary>To an Ethernet address that no member has.</summary>
    NoMember,

    /// <summary>The sender has not presented a certificate of membership that agrees with ours.</summary>
    NoMembership,

    /// <summary>A credential with an invalid signature, that is older than the known one, or that is revoked.</summary>
    BadCredential,

    /// <summary>A frame to be sent as EXT_FRAME does not fit into a packet together with its Ethernet addresses.</summary>
    TooLong,
}

/// <summary>Counts dropped frames by reason, under stable names. Thread-safe.</summary>
internal sealed class Vl2DropCounters
{
    private static readonly string[] Names =
    [
        "vl2.malformed", "vl2.not-joined", "vl2.unsupported", "vl2.foreign-mac", "vl2.spoofed-source",
        "vl2.filtered-in", "vl2.filtered-out", "vl2.multicast", "vl2.no-member", "vl2.no-membership", "vl2.bad-credential", "vl2.too-long",
    ];

    private readonly long[] _counts = new long[Names.Length];

    public long this[Vl2Drop reason] => Volatile.Read(ref _counts[(int)reason]);

    public void Add(Vl2Drop reason) => Interlocked.Increment(ref _counts[(int)reason]);

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
