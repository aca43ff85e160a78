namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// The name and roles that the application assigns to a node. In the configuration, an entry of <c>ZeroTier:Members</c>, under the node's
/// ID.
/// </summary>
public sealed class ZeroTierMember
{
    /// <summary>The name of the caller. Default: none, which means the ID of the node.</summary>
    public string? Name { get; set; }

    /// <summary>The roles of the caller. Default: none.</summary>
    public IList<string> Roles { get; } = [];
}
