namespace ZeroTier.Managed.Vl1.Worlds;

/// <summary>The planet and moons in use. Read without a lock, replaced whole under the control lock.</summary>
internal sealed class WorldsInUse(WorldSet initial, NodeIdentity self)
{
    private volatile WorldSet _current = initial;
    private volatile bool _isRoot;

    public WorldSet Current => _current;

    /// <summary>Whether this node is a root of one of them.</summary>
    public bool IsRoot => _isRoot;

    public void Use(WorldSet worlds)
    {
        _current = worlds;
        _isRoot = worlds.Roots.Any(entry => entry.Root.Identity.Equals(self));
    }
}
