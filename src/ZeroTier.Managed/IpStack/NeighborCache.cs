using System.Buffers;
using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// Ethernet addresses of neighbours: one table for ARP and neighbour discovery, with the states of RFC 4861, 7.3 for both. Thread-safe.
/// </summary>
/// <remarks>
/// <code>
///                  three solicitations unanswered: the entry and its packets are dropped
///                ┌──────────────┐
///  first packet  │              │  answer
///  ───────► Incomplete ─────────┴────────► Reachable ◄───────────┐
///                │ learned from a request       │ 30 s           │ answer
///                └──────────────► Stale ◄───────┘                │
///                                   │ used                       │
///                                   └────► Delay ──5 s──► Probe ─┴─ three unanswered: the entry is dropped
/// </code>
/// All but the time of the last use changes under the cache's lock; no other lock is taken under it, and frames are sent after its release.
/// A neighbour that is reachable is found without it, since each batch of packets looks one up.
/// </remarks>
internal sealed class NeighborCache : IDisposable
{
    internal const int MaxEntries = 1024;
    internal const int MaxQueuedPerNeighbor = 32;
    internal const int MaxQueued = 512;

    // Protocol constants of RFC 4861, 10, used for ARP as well.
    private const int MaxSolicits = 3;
    private const long RetransMs = 1000;
    private const long ReachableMs = 30_000;
    private const long DelayMs = 5000;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<IpAddress, Neighbor> _entries = new(concurrencyLevel: 1, capacity: 7);
    private readonly IActions _actions;
    private readonly DeadlineTimer _timer;
    private int _queued;

    public NeighborCache(TimeProvider time, IActions actions)
    {
        _actions = actions;
        _timer = new DeadlineTimer(time, Expire);
    }

    private enum State
    {
        Incomplete,
        Reachable,
        Stale,
        Delay,
        Probe,
    }

    /// <summary>Callbacks into the stack, made outside the cache's lock.</summary>
    internal interface IActions
    {
        /// <summary>Solicits the address: by multicast, or by unicast to its last known owner.</summary>
        void Solicit(in IpAddress address, MacAddress? lastKnown);

        /// <summary>Sends a packet that was queued until the neighbour was resolved.</summary>
        void SendResolved(ReadOnlySpan<byte> packet, MacAddress neighbor);

        /// <summary>The address was not resolved: the packet is dropped.</summary>
        void Unreachable(ReadOnlySpan<byte> packet);
    }

    internal int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>The neighbour's Ethernet address, when it is known.</summary>
    public bool TryGet(in IpAddress address, out MacAddress mac)
    {
        if (_entries.TryGetValue(address, out var known) && known.IsReachable(_timer.Now, out mac))
        {
            return true;
        }

        lock (_gate)
        {
            if (!_entries.TryGetValue(address, out var entry) || entry.State == State.Incomplete)
            {
                mac = default;
                return false;
            }

            Use(entry);
            mac = entry.Mac;
            return true;
        }
    }

    /// <summary>
    /// Finds an IP address of the neighbour with this Ethernet address: IPv4 before IPv6, never link-local; null when none is known.
    /// </summary>
    public IpAddress? Find(MacAddress mac)
    {
        IpAddress? found = null;
        lock (_gate)
        {
            foreach (var (_, entry) in _entries)
            {
                if (entry.State != State.Incomplete
                    && entry.Mac == mac
                    && !entry.Address.IsLinkLocal
                    && (found is null || entry.Address.IsIPv4))
                {
                    found = entry.Address;
                }
            }
        }

        return found;
    }

    /// <summary>The neighbour's Ethernet address; while it is not known, the packet is queued and the neighbour solicited.</summary>
    public bool TryGetOrQueue(in IpAddress address, ReadOnlySpan<byte> packet, out MacAddress mac, out bool dropped)
    {
        bool solicit = false;
        lock (_gate)
        {
            if (!_entries.TryGetValue(address, out var entry))
            {
                entry = Add(address);
                entry.State = State.Incomplete;
                entry.Solicits = 1;
                SetDeadline(entry, RetransMs);
                solicit = true;
            }
            else if (entry.State != State.Incomplete)
            {
                Use(entry);
                mac = entry.Mac;
                dropped = false;
                return true;
            }

            dropped = !Enqueue(entry, packet);
        }

        if (solicit)
        {
            _actions.Solicit(address, null);
        }

        mac = default;
        return false;
    }

    /// <summary>
    /// Learns an address from a solicitation or an ARP packet; its reachability is not confirmed by that (RFC 4861, 7.2.3).
    /// </summary>
    /// <param name="address">The neighbour.</param>
    /// <param name="mac">Its Ethernet address.</param>
    /// <param name="create">Whether to create an entry if there is none.</param>
    public void Seen(in IpAddress address, MacAddress mac, bool create)
    {
        Queue<ArraySegment<byte>>? waiting = null;
        lock (_gate)
        {
            if (!_entries.TryGetValue(address, out var entry))
            {
                if (!create)
                {
                    return;
                }

                entry = Add(address);
                entry.State = State.Incomplete;
            }
            else if (entry.State != State.Incomplete && entry.Mac == mac)
            {
                return;
            }

            entry.Mac = mac;
            entry.State = State.Stale;
            entry.Proof = null;
            entry.Deadline = long.MaxValue;
            waiting = TakeWaiting(entry);
        }

        Release(waiting, mac);
    }

    /// <summary>An advertisement or ARP reply (RFC 4861, 7.2.5). Ignored when the neighbour has no entry.</summary>
    public void Answered(in IpAddress address, MacAddress? mac, bool solicited, bool isOverride)
    {
        Queue<ArraySegment<byte>>? waiting = null;
        MacAddress final;
        lock (_gate)
        {
            if (!_entries.TryGetValue(address, out var entry))
            {
                return;
            }

            if (entry.State == State.Incomplete)
            {
                if (mac is null)
                {
                    return;
                }

                entry.Mac = mac.Value;
                waiting = TakeWaiting(entry);
                OnResolved(entry, solicited);
            }
            else if (mac is not null && mac != entry.Mac && !isOverride)
            {
                if (entry.State == State.Reachable)
                {
                    OnResolved(entry, reachable: false);
                }

                return;
            }
            else if (mac is not null && mac != entry.Mac)
            {
                entry.Mac = mac.Value;
                OnResolved(entry, solicited);
            }
            else if (solicited)
            {
                OnResolved(entry, reachable: true);
            }

            final = entry.Mac;
        }

        Release(waiting, final);
    }

    /// <summary>Drops all entries and the packets queued for them.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (var (_, entry) in _entries)
            {
                Discard(entry);
            }

            _entries.Clear();
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Clear();
    }

    private void Use(Neighbor entry)
    {
        entry.LastUse = _timer.Now;
        if (entry.State == State.Stale || entry.State == State.Reachable && entry.LastUse >= entry.Proof!.Until)
        {
            entry.State = State.Delay;
            SetDeadline(entry, DelayMs);
        }
    }

    private void OnResolved(Neighbor entry, bool reachable)
    {
        entry.State = reachable ? State.Reachable : State.Stale;
        entry.Proof = reachable ? new Reachability(entry.Mac, _timer.Now + ReachableMs) : null;
        entry.Deadline = long.MaxValue;
        entry.Solicits = 0;
    }

    private void SetDeadline(Neighbor entry, long delay)
    {
        entry.Deadline = _timer.Now + delay;
        _timer.Require(entry.Deadline);
    }

    private Neighbor Add(in IpAddress address)
    {
        if (_entries.Count >= MaxEntries)
        {
            // The least recently used entry is evicted.
            Neighbor? oldest = null;
            foreach (var (_, entry) in _entries)
            {
                if (oldest is null || entry.LastUse < oldest.LastUse)
                {
                    oldest = entry;
                }
            }

            Discard(oldest!);
            _entries.TryRemove(oldest!.Address, out _);
        }

        var added = new Neighbor(address) { LastUse = _timer.Now, Deadline = long.MaxValue };
        _entries[address] = added;
        return added;
    }

    private bool Enqueue(Neighbor entry, ReadOnlySpan<byte> packet)
    {
        entry.Waiting ??= new Queue<ArraySegment<byte>>();
        bool room = true;
        if (entry.Waiting.Count >= MaxQueuedPerNeighbor)
        {
            // RFC 4861, 7.2.2: the newest packet replaces the oldest.
            ArrayPool<byte>.Shared.Return(entry.Waiting.Dequeue().Array!);
            _queued--;
            room = false;
        }
        else if (_queued >= MaxQueued)
        {
            return false;
        }

        byte[] copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        entry.Waiting.Enqueue(new ArraySegment<byte>(copy, 0, packet.Length));
        _queued++;
        return room;
    }

    private Queue<ArraySegment<byte>>? TakeWaiting(Neighbor entry)
    {
        var waiting = entry.Waiting;
        entry.Waiting = null;
        _queued -= waiting?.Count ?? 0;
        return waiting;
    }

    private void Discard(Neighbor entry)
    {
        if (TakeWaiting(entry) is { } waiting)
        {
            foreach (var packet in waiting)
            {
                ArrayPool<byte>.Shared.Return(packet.Array!);
            }
        }
    }

    private void Release(Queue<ArraySegment<byte>>? waiting, MacAddress mac)
    {
        if (waiting is null)
        {
            return;
        }

        foreach (var packet in waiting)
        {
            _actions.SendResolved(packet, mac);
            ArrayPool<byte>.Shared.Return(packet.Array!);
        }
    }

    private long Expire(long now)
    {
        long next = long.MaxValue;
        List<(IpAddress Address, MacAddress? LastKnown)>? solicit = null;
        List<Queue<ArraySegment<byte>>>? lost = null;
        lock (_gate)
        {
            foreach (var (_, entry) in _entries)
            {
                if (entry.Deadline <= now)
                {
                    if (entry.State == State.Delay)
                    {
                        entry.State = State.Probe;
                        entry.Solicits = 0;
                    }

                    if (entry.Solicits >= MaxSolicits)
                    {
                        if (TakeWaiting(entry) is { } waiting)
                        {
                            (lost ??= []).Add(waiting);
                        }

                        // Removing does not disturb the enumeration.
                        _entries.TryRemove(entry.Address, out _);
                        continue;
                    }

                    entry.Solicits++;
                    entry.Deadline = now + RetransMs;
                    (solicit ??= []).Add((entry.Address, entry.State == State.Probe ? entry.Mac : null));
                }

                next = Math.Min(next, entry.Deadline);
            }
        }

        foreach (var (address, lastKnown) in solicit ?? [])
        {
            _actions.Solicit(address, lastKnown);
        }

        foreach (var packet in (lost ?? []).SelectMany(static queue => queue))
        {
            _actions.Unreachable(packet);
            ArrayPool<byte>.Shared.Return(packet.Array!);
        }

        return next;
    }

    private sealed record Reachability(MacAddress Mac, long Until);

    private sealed class Neighbor(IpAddress address)
    {
        private Reachability? _proof;
        private long _lastUse;

        public IpAddress Address { get; } = address;

        public MacAddress Mac { get; set; }

        public State State { get; set; }

        public long Deadline { get; set; }

        /// <summary>Set while it is reachable, and replaced whole, since senders read it without the lock.</summary>
        public Reachability? Proof
        {
            get => Volatile.Read(ref _proof);
            set => Volatile.Write(ref _proof, value);
        }

        public long LastUse
        {
            get => Volatile.Read(ref _lastUse);
            set => Volatile.Write(ref _lastUse, value);
        }

        public int Solicits { get; set; }

        public Queue<ArraySegment<byte>>? Waiting { get; set; }

        /// <summary>Its Ethernet address if it was confirmed lately, and notes that it is used. Takes no lock.</summary>
        public bool IsReachable(long now, out MacAddress mac)
        {
            var proof = Proof;
            mac = proof?.Mac ?? default;
            if (proof is null || now >= proof.Until)
            {
                return false;
            }

            if (LastUse != now)
            {
                LastUse = now;
            }

            return true;
        }
    }
}
