namespace ZeroTier.Hosting.Node;

/// <summary>
/// A part of the host that may exclude running a node, such as a test server without endpoints. Evaluated when needed and not at
/// construction, because it may depend on the node.
/// </summary>
internal interface INodeExclusion
{
    /// <summary>Why no node runs; null when one may run.</summary>
    string? Reason { get; }
}
