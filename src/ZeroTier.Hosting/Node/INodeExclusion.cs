namespace ZeroTier.Hosting.Node;

/// <summary>
/// A part of the host that has no use for a node of its own, such as a server without endpoints. Asked when it matters: such a part may
/// depend on the node.
/// </summary>
internal interface INodeExclusion
{
    /// <summary>Why there is to be no node; null when there may be.</summary>
    string? Reason { get; }
}
