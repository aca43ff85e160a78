using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>
/// The nodes that were deauthorised or deleted while their certificates are still valid. Each revocation is sent to each member once:
/// immediately when it is online and this process holds the lease, else with its next configuration. Bounded. Used with the controller's
/// turn held.
/// </summary>
internal sealed class RevocationList
{
    // When the list is full, the oldest entry is removed. Members that were not sent it yet accept the node until its certificate expires.
    public const int MaxEntries = 1024;

    private readonly List<Entry> _entries = [];
    private long _lastNumber;

    /// <summary>Adds a node that was deauthorised or deleted.</summary>
    /// <param name="target">The node.</param>
    /// <param name="since">When, in the controller's milliseconds.</param>
    public void Add(NodeId target, long since)
    {
        Remove(target);
        if (_entries.Count == MaxEntries)
        {
            _entries.RemoveAt(0);
        }

        _entries.Add(new Entry(target, since) { Number = ++_lastNumber });
    }

    /// <summary>Removes a node that is authorised again.</summary>
    public void Remove(NodeId target) => _entries.RemoveAll(e => e.Target == target);

    /// <summary>Causes all entries to be sent to all members again, because another process has held the lease in between.</summary>
    public void Restart() => _entries.ForEach(e => e.Number = ++_lastNumber);

    /// <summary>The entries to send to a member, in the order of their numbers.</summary>
    /// <param name="number">The number of the last entry that it was sent.</param>
    /// <param name="since">Older entries have expired and are removed.</param>
    public IReadOnlyList<Entry> After(long number, long since)
    {
        if (number >= _lastNumber)
        {
            return [];
        }

        _entries.RemoveAll(e => e.Since < since);
        return _entries.FindAll(e => e.Number > number);
    }

    /// <summary>An entry of the list.</summary>
    internal sealed class Entry(NodeId target, long since)
    {
        public NodeId Target => target;

        public long Since => since;

        public long Number { get; set; }

        /// <summary>The signed revocation; null until it is sent for the first time.</summary>
        public byte[]? Signed { get; set; }
    }
}
