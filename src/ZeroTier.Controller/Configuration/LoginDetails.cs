using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Controller.Configuration;

/// <summary>The details sent to a node whose user must log in first (docs/protocol/3-vl2.md 3.3.3).</summary>
internal static class LoginDetails
{
    /// <summary>The maximum length in bytes that nodes accept.</summary>
    public const int MaxLength = 1024;

    public static byte[] Write(ControllerNetwork network) =>
        new NetworkDictionaryWriter().Add("aV", 0).Add("aU", network.AuthorizationEndpoint).ToArray();
}
