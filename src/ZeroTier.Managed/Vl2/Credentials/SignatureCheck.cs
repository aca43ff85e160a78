using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Result of checking a credential's signature.</summary>
internal enum SignatureCheck
{
    /// <summary>The credential was not signed by the controller of its network, or was modified.</summary>
    Bad,

    /// <summary>The signature is valid.</summary>
    Good,

    /// <summary>The identity of a signer is not known: check again after a WHOIS.</summary>
    UnknownSigner,
}

/// <summary>Finds the verified identities of nodes that sign credentials.</summary>
internal interface ISignerDirectory
{
    /// <summary>The identity of a node, or null when it is not known. An implementation may then look it up.</summary>
    NodeIdentity? Find(NodeId node);
}
