namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Revocations on their way to members. A member takes one NETWORK_CREDENTIALS packet of a node per second and drops the others unread
/// (docs/protocol/3-vl2.md 3.5.7), so those for one member go together, and packets keep a distance. Each revocation is sent in two
/// packets: one may be lost, or come right after one in which the node, as a member, has shown its own credentials. Bounded. Thread-safe.
/// </summary>
internal sealed class RevocationQueue
{
    /// <summary>Milliseconds between two packets to one member: more than the second, as the network does not keep distances.</summary>
    public const long Interval = 1_500;

    /// <summary>Revocations in a packet, which is then half as long as the longest.</summary>
    public const int MaxPerPacket = 32;

    private const int Sendings = 2;
    private const int MaxWaiting = 65_536;

    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, Receiver> _receivers = [];
    private int _waiting;

    /// <summary>Adds a revocation. Where too many wait it is dropped, and its target's certificate lapses.</summary>
    /// <param name="member">Whom to tell.</param>
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

    /// <summary>Takes what is to be sent to a member now, in one packet; empty when nothing is, or it is too early.</summary>
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

    /// <summary>The members that something waits for.</summary>
    public IReadOnlyList<NodeId> Receivers()
    {
        lock (_lock)
        {
            return [.. _receivers.Keys];
        }
    }

    /// <summary>Forgets everything: the node stops.</summary>
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
