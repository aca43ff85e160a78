namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Revocations to be sent to members. A member accepts one NETWORK_CREDENTIALS packet of a node per second and drops others unread
/// (docs/protocol/3-vl2.md 3.5.7), so revocations for one member are sent together, and packets at a minimum interval. Each revocation is
/// sent in two packets: one may be lost, or be dropped because the node, as a member, has just sent its own credentials. Bounded.
/// Thread-safe.
/// </summary>
internal sealed class RevocationQueue
{
    /// <summary>Milliseconds between two packets to one member: more than a second, since their delays in the network differ.</summary>
    public const long Interval = 1_500;

    /// <summary>Most revocations in a packet, which then has half of the largest size.</summary>
    public const int MaxPerPacket = 32;

    private const int Sendings = 2;
    private const int MaxWaiting = 65_536;

    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, Receiver> _receivers = [];
    private int _waiting;

    /// <summary>
    /// Adds a revocation. When the queue is full it is dropped; its target is then excluded only when its certificate expires.
    /// </summary>
    /// <param name="member">The receiver.</param>
    /// <param name="revocation">The signed revocation; its bytes must not change.</param>
    public void Add(NodeId member, ReadOnlyMemory<byte> revocation)
    {
        lock (_lock)
        {
            if (_waiting == MaxWaiting)
            {
                return;
            }

            if (!_receivers.TryGetValue(member, out Receiver? receiver))
            {
                _receivers[member] = receiver = new Receiver();
            }

            receiver.Waiting.Enqueue((revocation, Sendings));
            _waiting++;
        }
    }

    /// <summary>Takes the revocations to send to a member now, in one packet; empty when there are none, or it is too early.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Take(NodeId member, long now)
    {
        lock (_lock)
        {
            if (!_receivers.TryGetValue(member, out Receiver? receiver) || (receiver.LastSent is { } last && now - last < Interval))
            {
                return [];
            }

            var taken = new List<ReadOnlyMemory<byte>>();
            for (int left = Math.Min(receiver.Waiting.Count, MaxPerPacket); left > 0; left--)
            {
                (ReadOnlyMemory<byte> revocation, int sendings) = receiver.Waiting.Dequeue();
                taken.Add(revocation);
                if (sendings > 1)
                {
                    receiver.Waiting.Enqueue((revocation, sendings - 1));
                }
                else
                {
                    _waiting--;
                }
            }

            if (taken.Count == 0)
            {
                _receivers.Remove(member);
            }
            else
            {
                receiver.LastSent = now;
            }

            return taken;
        }
    }

    /// <summary>The members with queued revocations.</summary>
    public IReadOnlyList<NodeId> Receivers()
    {
        lock (_lock)
        {
            return [.. _receivers.Keys];
        }
    }

    /// <summary>Drops all revocations.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _receivers.Clear();
            _waiting = 0;
        }
    }

    private sealed class Receiver
    {
        public Queue<(ReadOnlyMemory<byte> Revocation, int Sendings)> Waiting { get; } = new();

        public long? LastSent { get; set; }
    }
}
