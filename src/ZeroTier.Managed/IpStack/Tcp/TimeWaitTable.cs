namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Connections in TIME-WAIT: a bounded table that answers late segments. It needs no timer, because expired entries are ignored by lookups
/// and removed when others are added. Thread-safe; no other lock is taken under its lock.
/// </summary>
internal sealed class TimeWaitTable(long lifetime, int capacity)
{
    private readonly Dictionary<ConnectionKey, TimeWaitEntry> _entries = [];
    private readonly Queue<(ConnectionKey Key, long Expiry)> _order = new();

    /// <summary>What to do with a segment.</summary>
    public enum Verdict
    {
        /// <summary>There is no entry.</summary>
        Unknown,

        Drop,

        /// <summary>Send the acknowledgement that is returned.</summary>
        Answer,

        /// <summary>The peer opens a new connection: the entry is removed, and a listener may accept it.</summary>
        Reuse,
    }

    public int Count
    {
        get
        {
            lock (_entries)
            {
                return _entries.Count;
            }
        }
    }

    public void Add(in ConnectionKey key, TimeWaitEntry entry, long now)
    {
        lock (_entries)
        {
            RemoveOld(now);
            entry.Expiry = now + lifetime;
            if (_entries.TryAdd(key, entry))
            {
                _order.Enqueue((key, entry.Expiry));
            }
            else
            {
                _entries[key] = entry;
            }
        }
    }

    public bool Contains(in ConnectionKey key, long now)
    {
        lock (_entries)
        {
            return _entries.TryGetValue(key, out TimeWaitEntry entry) && entry.Expiry > now;
        }
    }

    public Verdict OnSegment(in ConnectionKey key, in TcpSegment segment, long now, out TimeWaitEntry entry, out OutgoingSegment answer)
    {
        answer = default;
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out entry) || entry.Expiry <= now)
            {
                return Verdict.Unknown;
            }

            if (segment.Has(TcpFlags.Rst))
            {
                // RFC 1337, 3 (F1): a reset does not end TIME-WAIT early, except the one with which a peer answers our acknowledgement of
                // its SYN (RFC 9293, 3.10.7.3, first). A client that has restarted may begin with a lower sequence number, and could
                // otherwise not connect from this port until TIME-WAIT ends.
                if (entry.SynAnswered && segment.Sequence == entry.ReceiveNext)
                {
                    _entries.Remove(key);
                }

                return Verdict.Drop;
            }

            // RFC 9293, 3.6.1 and RFC 6191, 2: newer by sequence number or by timestamp.
            if (segment.Has(TcpFlags.Syn) && !segment.Has(TcpFlags.Ack) && IsNewer(segment, entry))
            {
                _entries.Remove(key);
                return Verdict.Reuse;
            }

            if (segment.SequenceLength == 0)
            {
                return Verdict.Drop;
            }

            if (segment.Has(TcpFlags.Syn))
            {
                entry.SynAnswered = true;
                _entries[key] = entry;
            }
            else if (segment.Has(TcpFlags.Fin))
            {
                // RFC 9293, 3.10.7.4, eighth: a retransmitted FIN restarts the 2 MSL timeout.
                entry.Expiry = now + lifetime;
                _entries[key] = entry;
            }

            answer = new OutgoingSegment
            {
                SourcePort = key.LocalPort,
                DestinationPort = key.RemotePort,
                Sequence = entry.SendNext,
                Acknowledgement = entry.ReceiveNext,
                Flags = TcpFlags.Ack,
                Window = entry.Window,
                WindowScale = -1,
                HasTimestamps = entry.TimestampRecent is not null,
                TimestampValue = entry.TimestampOffset + (uint)(now / TimeSpan.TicksPerMillisecond),
                TimestampEcho = entry.TimestampRecent ?? 0,
            };
            return Verdict.Answer;
        }
    }

    public void Clear()
    {
        lock (_entries)
        {
            _entries.Clear();
            _order.Clear();
        }
    }

    private static bool IsNewer(in TcpSegment segment, in TimeWaitEntry entry) =>
        entry.TimestampRecent is { } recent && segment.HasTimestamps && segment.TimestampValue != recent
            ? (int)(segment.TimestampValue - recent) > 0
            : Sequence.IsAfter(segment.Sequence, entry.ReceiveNext);

    private void RemoveOld(long now)
    {
        while (_order.TryPeek(out (ConnectionKey Key, long Expiry) oldest) && (oldest.Expiry <= now || _order.Count >= capacity))
        {
            _order.Dequeue();
            if (!_entries.TryGetValue(oldest.Key, out TimeWaitEntry entry))
            {
                continue;
            }

            if (entry.Expiry > now && _order.Count + 1 < capacity)
            {
                // The timeout was restarted, or the same addresses and ports were used again.
                _order.Enqueue((oldest.Key, entry.Expiry));
            }
            else
            {
                _entries.Remove(oldest.Key);
            }
        }
    }
}

/// <summary>What is kept of a connection in TIME-WAIT.</summary>
internal struct TimeWaitEntry
{
    public uint SendNext;
    public uint ReceiveNext;
    public ushort Window;

    /// <summary>Null when timestamps were not negotiated.</summary>
    public uint? TimestampRecent;
    public uint TimestampOffset;
    public long Expiry;

    /// <summary>A SYN older than the connection was answered: its sender may reset this entry.</summary>
    public bool SynAnswered;
}
