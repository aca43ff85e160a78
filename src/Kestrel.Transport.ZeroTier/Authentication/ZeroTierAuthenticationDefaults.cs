namespace Kestrel.Transport.ZeroTier;

/// <summary>Default values of ZeroTier authentication.</summary>
public static class ZeroTierAuthenticationDefaults
{
    /// <summary>
    /// The name of the scheme, and the authentication type of the identities that it makes, whatever name the scheme is given.
    /// </summary>
    public const string AuthenticationScheme = "ZeroTier";
}
