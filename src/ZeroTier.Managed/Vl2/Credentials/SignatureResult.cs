namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>What became of checking a credential's signature.</summary>
internal enum SignatureResult
{
    /// <summary>It is not from the controller of its network, or was changed.</summary>
    Bad,

    /// <summary>It is good.</summary>
    Good,

    /// <summary>The identity of a signer is not known: ask for it (WHOIS) and check again.</summary>
    UnknownSigner,
}
