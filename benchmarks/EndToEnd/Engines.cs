using ZeroTier.Hosting;

namespace EndToEnd;

/// <summary>The engines of the two nodes of the ZeroTier transport.</summary>
/// <param name="Client">The engine of the client's node, in this process.</param>
/// <param name="Server">The engine of the server's node, in the server's process.</param>
internal sealed record Engines(ZeroTierEngine Client, ZeroTierEngine Server)
{
    /// <summary>The managed engine for both.</summary>
    public static Engines Managed { get; } = new(ZeroTierEngine.Managed, ZeroTierEngine.Managed);

    /// <summary>The values of <c>--engine</c>; "A-to-B" is a client on A and a server on B.</summary>
    public static IReadOnlyDictionary<string, Engines> ByName { get; } = new Dictionary<string, Engines>
    {
        ["managed"] = Managed,
        ["libzt"] = new(ZeroTierEngine.Libzt, ZeroTierEngine.Libzt),
        ["libzt-to-managed"] = new(ZeroTierEngine.Libzt, ZeroTierEngine.Managed),
        ["managed-to-libzt"] = new(ZeroTierEngine.Managed, ZeroTierEngine.Libzt),
    };

    /// <summary>Whether the native library is needed.</summary>
    public bool NeedLibzt => Client == ZeroTierEngine.Libzt || Server == ZeroTierEngine.Libzt;
}
