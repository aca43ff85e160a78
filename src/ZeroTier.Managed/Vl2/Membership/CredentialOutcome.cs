namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>What became of a credential that somebody showed.</summary>
internal enum CredentialOutcome
{
    /// <summary>Its signature is bad, or it is older than what is known, or revoked.</summary>
    Rejected,

    /// <summary>It is taken, and new.</summary>
    New,

    /// <summary>It was known.</summary>
    Known,

    /// <summary>Its signer's identity is not known yet: try again when it is.</summary>
    UnknownSigner,
}
