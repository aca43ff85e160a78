namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>Result of adding a received credential.</summary>
internal enum CredentialOutcome
{
    /// <summary>Its signature is invalid, it is older than the known one, it is revoked, or a limit is reached.</summary>
    Rejected,

    /// <summary>It was added, and is new.</summary>
    New,

    /// <summary>It was known already.</summary>
    Known,

    /// <summary>Its signer's identity is not known yet: try again when it is.</summary>
    UnknownSigner,
}
