namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Result of checking a credential's signature.</summary>
internal enum SignatureResult
{
    /// <summary>The credential was not signed by the controller of its network, or was modified.</summary>
    Bad,

    /// <summary>The signature is valid.</summary>
    Good,

    /// <summary>The identity of a signer is not known: check again after a WHOIS.</summary>
    UnknownSigner,
}
