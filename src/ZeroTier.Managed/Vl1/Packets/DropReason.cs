namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Why VL1 dropped a packet; the names for statistics are in <see cref="DropCounters"/>.</summary>
internal enum DropReason
{
    Short,
    Malformed,
    OwnSource,
    Mac,
    Suite,
    Compression,
    Address,
    NotRelayed,
    Hops,
    NoRoute,
    UnknownSource,
    HelloGate,
    HelloIdentity,
    HelloVersion,
    Unexpected,
    NotUpstream,
    RateGate,
    Amplification,
    Fragment,
    FragmentTimeout,
    QueueFull,
    QueueTimeout,
    TableFull,
    TooLong,
    Client,
    Internal,
}
