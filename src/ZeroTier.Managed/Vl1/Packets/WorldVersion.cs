namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// The revision of a planet or moon that a node has, as announced in HELLO; timestamp 0 when it has none and asks for it.
/// </summary>
internal readonly record struct WorldVersion(ulong Id, ulong Timestamp);
