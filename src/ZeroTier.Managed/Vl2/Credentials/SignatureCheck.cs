using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>What became of checking a credential's signature.</summary>
internal enum SignatureCheck
{
    /// <summary>It is not from the controller of its network, or was changed.</summary>
    Bad,

    /// <summary>It is good.</summary>
    Good,

    /// <summary>The identity of a signer is not known: ask for it (WHOIS) and check again.</summary>
    UnknownSigner,
}

/// <summary>Finds the identities of those who sign credentials: verified ones only.</summary>
internal interface ISignerDirectory
{
    /// <summary>The identity of a node, or null where it is not known. An implementation may then ask for it.</summary>
    NodeIdentity? Find(NodeId node);
}
