using ZeroTier.Hosting;

namespace EndToEnd;

/// <summary>On which engines the two nodes of the ZeroTier transport run.</summary>
/// <param name="Client">The node that calls; it lives in this process.</param>
/// <param name="Server">The node that serves; it lives in the server's process.</param>
internal sealed record Engines(ZeroTierEngine Client, ZeroTierEngine Server)
{
    /// <summary>Both ends managed.</summary>
    public static Engines Managed { get; } = new(ZeroTierEngine.Managed, ZeroTierEngine.Managed);

    /// <summary>What <c>--engine</c> accepts; "A-to-B" is a client on A and a server on B.</summary>
    public static IReadOnlyDictionary<string, Engines> ByName { get; } = new Dictionary<string, Engines>
    {
        ["managed"] = Managed,
        ["libzt"] = new(ZeroTierEngine.Libzt, ZeroTierEngine.Libzt),
        ["libzt-to-managed"] = new(ZeroTierEngine.Libzt, ZeroTierEngine.Managed),
        ["managed-to-libzt"] = new(ZeroTierEngine.Managed, ZeroTierEngine.Libzt),
    };

    /// <summary>True when the native library is needed.</summary>
    public bool NeedLibzt => Client == ZeroTierEngine.Libzt || Server == ZeroTierEngine.Libzt;
}
