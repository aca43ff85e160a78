using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>
/// Who was put out of a network while certificates of theirs still count. Each member is told of each once: at once when it is online and
/// this process speaks to members, else with the next configuration that it gets. Bounded. Touched by whoever has the turn.
/// </summary>
internal sealed class RevocationList
{
    // Beyond them the oldest are not told to those who have missed them; they lapse with their certificates.
    public const int MaxEntries = 1024;

    private readonly List<Entry> _entries = [];
    private long _lastNumber;

    /// <summary>A node was put out.</summary>
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

    /// <summary>A node was let in again.</summary>
    public void Remove(NodeId target) => _entries.RemoveAll(e => e.Target == target);

    /// <summary>Others have spoken to the members meanwhile: all are told again.</summary>
    public void Restart() => _entries.ForEach(e => e.Number = ++_lastNumber);

    /// <summary>What a member is to be told, in the order of the numbers.</summary>
    /// <param name="number">The last one that it was told.</param>
    /// <param name="since">What is older counts no longer.</param>
    public IReadOnlyList<Entry> After(long number, long since)
    {
        if (number >= _lastNumber)
        {
            return [];
        }

        _entries.RemoveAll(e => e.Since < since);
        return _entries.FindAll(e => e.Number > number);
    }

    /// <summary>One who was put out.</summary>
    internal sealed class Entry(NodeId target, long since)
    {
        public NodeId Target => target;

        public long Since => since;

        public long Number { get; set; }

        /// <summary>The revocation; null until one who may sign has somebody to tell.</summary>
        public byte[]? Signed { get; set; }
    }
}
