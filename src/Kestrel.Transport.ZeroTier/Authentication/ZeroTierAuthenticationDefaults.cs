namespace Kestrel.Transport.ZeroTier;

/// <summary>Default values of ZeroTier authentication.</summary>
public static class ZeroTierAuthenticationDefaults
{
    /// <summary>
    /// The default name of the scheme. Also the authentication type of its identities, even if the scheme is registered under another name.
    /// </summary>
    public const string AuthenticationScheme = "ZeroTier";
}
