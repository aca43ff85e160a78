using System.Net;

namespace ZeroTier.Controller;

/// <summary>A range of addresses for members. Immutable.</summary>
/// <param name="First">The first address.</param>
/// <param name="Last">The last address, of the same family. Of IPv4 addresses it is left free, as are those that end in .0 and .255, where
/// the pool has others.</param>
public sealed record AddressPool(IPAddress First, IPAddress Last);
