using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Finds the identities of those who sign credentials: verified ones only.</summary>
internal interface ISignerDirectory
{
    /// <summary>The identity of a node, or null where it is not known. An implementation may then ask for it.</summary>
    NodeIdentity? Find(NodeId node);
}
