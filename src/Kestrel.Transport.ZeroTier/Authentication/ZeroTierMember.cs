namespace Kestrel.Transport.ZeroTier;

/// <summary>What the application knows of a node. In the configuration an entry of <c>ZeroTier:Members</c>, under the node's ID.</summary>
public sealed class ZeroTierMember
{
    /// <summary>The name of the caller. Default: none, which means the ID of the node.</summary>
    public string? Name { get; set; }

    /// <summary>The roles of the caller. Default: none.</summary>
    public IList<string> Roles { get; } = [];
}
