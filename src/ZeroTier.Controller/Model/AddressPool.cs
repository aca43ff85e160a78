using System.Net;

namespace ZeroTier.Controller;

/// <summary>A range of addresses that can be assigned to members. Immutable.</summary>
/// <param name="First">The first address.</param>
/// <param name="Last">The last address, of the same family. In an IPv4 pool of several addresses it is not assigned, nor are addresses
/// ending in .0 or .255.</param>
public sealed record AddressPool(IPAddress First, IPAddress Last);
