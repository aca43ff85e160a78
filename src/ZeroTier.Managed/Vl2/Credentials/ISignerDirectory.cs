using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Finds the verified identities of nodes that sign credentials.</summary>
internal interface ISignerDirectory
{
    /// <summary>The identity of a node, or null when it is not known. An implementation may then look it up.</summary>
    NodeIdentity? Find(NodeId node);
}
