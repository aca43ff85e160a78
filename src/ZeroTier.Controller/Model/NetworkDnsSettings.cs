using System.Collections.Immutable;

namespace ZeroTier.Controller;

/// <summary>Name servers of a network. Immutable.</summary>
/// <param name="Domain">The search domain; members see its first 127 bytes.</param>
/// <param name="Servers">IP addresses as text; may be none where the controller serves names. Members get the first four, and what is no
/// address counts as one that is missing.</param>
public sealed record NetworkDnsSettings(string Domain, ImmutableArray<string> Servers);
