using System.Net.Sockets;

namespace ZeroTier.Managed.Vl1.Reachability;

/// <summary>
/// NAT hole punching to peers that roots introduce by RENDEZVOUS (docs/protocol/2-vl1.md 2.11, 2.13.6). Under the control lock.
/// </summary>
internal sealed class NatTraversal(ControlPlane control, PathRules rules, Prober prober)
{
    private const int NatOpenerSize = 4;
    private const int NatOpenerHops = 2;

    private readonly Dictionary<NodeId, PendingIntroduction> _pending = [];

    /// <summary>Whether an introduction to this node can be kept until its identity arrives.</summary>
    public bool HasRoomFor(NodeId id) => _pending.Count < Vl1Limits.PendingIntroductions || _pending.ContainsKey(id);

    /// <summary>
    /// Keeps an introduction of an unknown node until its identity arrives. ZeroTierOne 1.12 drops it, and a pair with traffic in one
    /// direction then waits 30 s for the next one (2.11).
    /// </summary>
    public void Keep(NodeId id, in InetEndPoint endPoint, int socket, long now) =>
        _pending[id] = new PendingIntroduction(endPoint, socket, now + Vl1Timing.QueueLifetime);

    /// <summary>A peer was added, so its identity is known: acts on an introduction that was kept for it.</summary>
    public void OnPeerAdded(Peer peer, long now)
    {
        if (_pending.Remove(peer.Id, out var introduction))
        {
            Act(peer, introduction.EndPoint, introduction.Socket, now);
        }
    }

    /// <summary>Removes introductions whose identity has not arrived in time.</summary>
    public void Expire(long now)
    {
        foreach (var (id, introduction) in _pending)
        {
            if (introduction.Expires <= now)
            {
                _pending.Remove(id);
            }
        }
    }

    /// <summary>
    /// Acts on an introduction (2.13.6, NAT hole punching): a datagram with a small hop limit creates the mapping in our own NAT and
    /// expires before the peer's; then the probe follows.
    /// </summary>
    public void Act(Peer peer, in InetEndPoint endPoint, int socket, long now)
    {
        if (!rules.CanUse(peer, endPoint) || peer.HasLivePath(endPoint, now))
        {
            return;
        }

        if (control.Sockets[socket].Family != endPoint.Family)
        {
            prober.Probe(peer, -1, endPoint);
            return;
        }

        if (endPoint.Family == AddressFamily.InterNetwork && !rules.LoopbackOnly)
        {
            Span<byte> opener = stackalloc byte[NatOpenerSize];
            control.Random.Fill(opener);
            control.EmitRaw(socket, endPoint, opener, NatOpenerHops);
        }

        prober.Probe(peer, socket, endPoint);
        OpenNextPorts(peer, endPoint, socket, now);
    }

    // A symmetric NAT maps the peer's packets to us to another port than those to the root. Many assign ports sequentially, so the port is
    // probably one of the next. Our own NAT lets packets from there in once we have sent something there. The openers have a small hop
    // limit, so that nobody at that address receives them.
    private void OpenNextPorts(Peer peer, in InetEndPoint endPoint, int socket, long now)
    {
        if (endPoint.Family != AddressFamily.InterNetwork || rules.LoopbackOnly || now - peer.LastPortGuess < Vl1Timing.PortGuess)
        {
            return;
        }

        peer.LastPortGuess = now;
        Span<byte> openers = stackalloc byte[NatOpenerSize * Vl1Limits.GuessedPorts];
        control.Random.Fill(openers);
        for (int i = 0; i < Vl1Limits.GuessedPorts && endPoint.Port + i < ushort.MaxValue; i++)
        {
            control.EmitRaw(
                socket, endPoint.WithPort((ushort)(endPoint.Port + i + 1)), openers.Slice(i * NatOpenerSize, NatOpenerSize), NatOpenerHops);
        }
    }

    private readonly record struct PendingIntroduction(InetEndPoint EndPoint, int Socket, long Expires);
}
