using System.Net;

namespace ZeroTier.Controller;

/// <summary>A route that members of a network get. Immutable.</summary>
/// <param name="Target">The addresses that it leads to; bits behind the prefix are kept as given.</param>
/// <param name="PrefixLength">Bits of the prefix: 0 to 32, or 0 to 128.</param>
/// <param name="Via">The member that forwards, an address of the same family; null where the target is on the network itself.</param>
public sealed record NetworkRoute(IPAddress Target, int PrefixLength, IPAddress? Via);
