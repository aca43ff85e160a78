using System.Collections.Immutable;

namespace ZeroTier.Controller;

/// <summary>The DNS settings of a network. Immutable.</summary>
/// <param name="Domain">The search domain; members see its first 127 bytes.</param>
/// <param name="Servers">The name servers' IP addresses as text; may be empty when the controller serves names. Members get the first four;
/// a text that is not an address leaves its place empty.</param>
public sealed record NetworkDnsSettings(string Domain, ImmutableArray<string> Servers);
