namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Which revision of a planet or moon a node has, as HELLO announces it; timestamp 0 = it wants to have it.</summary>
internal readonly record struct WorldVersion(ulong Id, ulong Timestamp);
