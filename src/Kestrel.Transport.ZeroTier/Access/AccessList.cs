using System.Collections.Frozen;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>
/// The nodes and networks that connections may come from; an empty list allows all. Both lists are replaced together, atomically.
/// Thread-safe.
/// </summary>
internal sealed class AccessList
{
    private volatile Lists _lists = new([], []);

    /// <summary>Replaces both lists.</summary>
    public void Replace(IEnumerable<NodeId> nodes, IEnumerable<NetworkId> networks) =>
        _lists = new Lists(nodes.ToFrozenSet(), networks.ToFrozenSet());

    /// <summary>
    /// Replaces both lists, except that a non-empty list is never replaced by an empty one: a configuration source that is unavailable for
    /// a moment must not admit everybody. False when a list was kept for this reason.
    /// </summary>
    public bool Follow(IEnumerable<NodeId> nodes, IEnumerable<NetworkId> networks) =>
        Follow(new Lists(nodes.ToFrozenSet(), networks.ToFrozenSet()));

    /// <summary>As <see cref="Follow(IEnumerable{NodeId}, IEnumerable{NetworkId})"/>, with the lists of another instance.</summary>
    public bool Follow(AccessList other) => Follow(other._lists);

    /// <summary>Decides whether a connection is allowed.</summary>
    /// <param name="node">The authenticated source node; null when the engine cannot prove it.</param>
    /// <param name="network">The network that carries it; null for a connection over an ordinary socket.</param>
    public AccessVerdict Judge(NodeId? node, NetworkId? network)
    {
        var lists = _lists;
        return lists.Networks.Count == 0 && lists.Nodes.Count == 0 ? AccessVerdict.Allowed
            : network is not { } carrier ? AccessVerdict.OrdinarySocket
            : lists.Networks.Count > 0 && !lists.Networks.Contains(carrier) ? AccessVerdict.OtherNetwork
            : lists.Nodes.Count == 0 ? AccessVerdict.Allowed
            : node is not { } proven ? AccessVerdict.Unproven
            : lists.Nodes.Contains(proven) ? AccessVerdict.Allowed : AccessVerdict.OtherNode;
    }

    private bool Follow(Lists changed)
    {
        var before = _lists;
        var kept = new Lists(
            changed.Nodes.Count == 0 ? before.Nodes : changed.Nodes, changed.Networks.Count == 0 ? before.Networks : changed.Networks);
        _lists = kept;
        return kept.Nodes.Count == changed.Nodes.Count && kept.Networks.Count == changed.Networks.Count;
    }

    private sealed record Lists(FrozenSet<NodeId> Nodes, FrozenSet<NetworkId> Networks);
}
