using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>One endpoint as the user asked for it. Without a network it stands for every configured one.</summary>
internal sealed record ListenEntry(string? Network, IPAddress? Address, int Port, Action<ListenOptions>? Configure)
{
    /// <summary>Who may call it, beside what holds for all endpoints.</summary>
    public AccessList Access { get; init; } = new();

    /// <summary>What Kestrel reads of it; null where it was made in code, and Kestrel cannot change it while it runs.</summary>
    public KestrelSettings? Kestrel { get; init; }

    /// <summary>How the entry reads in messages.</summary>
    public string Describe() => (Network, Address) switch
    {
        (null, null) => $"Listen({Port})",
        (_, null) => $"Listen(\"{Network}\", {Port})",
        (null, _) => $"Listen \"{new IPEndPoint(Address, 0).Address}\" port {Port}",
        _ => $"Listen(\"{Network}\", {Address}, {Port})",
    };
}
