using System.Net;

namespace ZeroTier.Controller;

/// <summary>A route assigned to the members of a network. Immutable.</summary>
/// <param name="Target">The destination prefix; host bits are kept as given.</param>
/// <param name="PrefixLength">The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6.</param>
/// <param name="Via">The gateway, an address of the same family; null when the target is on the network itself.</param>
public sealed record NetworkRoute(IPAddress Target, int PrefixLength, IPAddress? Via);
