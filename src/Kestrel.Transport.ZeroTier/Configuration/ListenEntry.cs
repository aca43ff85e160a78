using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>One endpoint as the user configured it. Without a network it applies to every configured network.</summary>
internal sealed record ListenEntry(string? Network, IPAddress? Address, int Port, Action<ListenOptions>? Configure)
{
    /// <summary>The endpoint's own access list, in addition to the one for all endpoints.</summary>
    public AccessList Access { get; init; } = new();

    /// <summary>The settings that Kestrel reads; null for an endpoint made in code, which cannot change at run time.</summary>
    public KestrelSettings? Kestrel { get; init; }

    /// <summary>The entry as error messages show it.</summary>
    public string Describe() => (Network, Address) switch
    {
        (null, null) => $"Listen({Port})",
        (_, null) => $"Listen(\"{Network}\", {Port})",
        (null, _) => $"Listen \"{new IPEndPoint(Address, 0).Address}\" port {Port}",
        _ => $"Listen(\"{Network}\", {Address}, {Port})",
    };
}
