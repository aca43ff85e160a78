using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Lookup;

/// <summary>Looks identities up at roots by WHOIS, and answers WHOIS of others (docs/protocol/2-vl1.md 2.5.4, 2.6.5).</summary>
internal sealed class IdentityLookup(
    ControlPlane control,
    PeerTable peers,
    WhoisTable whois,
    WorldsInUse worldsInUse,
    Upstreams upstreams,
    Router router,
    PeerDirectory directory)
{
    private const int WhoisSize = PacketHeader.Size + PacketHeader.AddressSize;

    private readonly List<NodeId> _due = [];

    /// <summary>Sends the WHOIS that are due again.</summary>
    public void Repeat(long now)
    {
        _due.Clear();
        whois.Due(now, _due);
        foreach (var id in _due)
        {
            SendWhois(id);
        }
    }

    /// <summary>
    /// The identity of an address, if known; otherwise asks a root for it. <see cref="IVl1Client.OnPeerChanged"/> reports its arrival.
    /// </summary>
    public NodeIdentity? FindIdentity(NodeId id)
    {
        if (id == control.Id)
        {
            return control.Identity;
        }

        if (peers.Find(id) is { } peer)
        {
            return peer.Identity;
        }

        using (control.Enter())
        {
            return directory.FindOrRestore(id)?.Identity ?? RequestIdentity(id);
        }

        NodeIdentity? RequestIdentity(NodeId unknown)
        {
            Whois(unknown, control.Now);
            return null;
        }
    }

    /// <summary>
    /// Sends WHOIS for this address to the best root. False when there is no root or the table of look-ups is full.
    /// </summary>
    public bool Whois(NodeId id, long now, int questions = WhoisTable.Unlimited)
    {
        // Reserved addresses have no owner, for example the pseudo-controllers of ad-hoc networks (2.23).
        if (id.IsReserved || id == control.Id || upstreams.Best is null)
        {
            return false;
        }

        if (whois.Request(id, now, questions, out bool full))
        {
            SendWhois(id);
        }

        if (full)
        {
            control.Drops.Add(DropReason.TableFull);
        }

        return !full;
    }

    /// <summary>
    /// How many WHOIS a packet may cause, so that what we send is in proportion to its length; the packet may be unauthenticated.
    /// </summary>
    public static int QuestionsFor(in PacketInfo info) => Vl1Limits.Amplification * info.Length / WhoisSize;

    /// <summary>
    /// Answers WHOIS: as a root always, as a leaf at a limited rate. One identity per answer, since ZeroTierOne 1.12 reads no more (2.23).
    /// </summary>
    public void Answer(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        using (control.Enter())
        {
            long now = control.Now;
            if (!worldsInUse.IsRoot)
            {
                if (now - peer.LastWhoisAnswer < Vl1Timing.WhoisAnswer)
                {
                    control.Drops.Add(DropReason.RateGate);
                    return;
                }

                peer.LastWhoisAnswer = now;
            }

            int questions = QuestionsFor(info);
            Span<byte> identity = stackalloc byte[NodeIdentity.BinarySize];
            Span<ulong> asked = stackalloc ulong[Vl1Limits.WhoisAddresses];
            for (int i = 0; i < asked.Length && payload.Length >= PacketHeader.AddressSize; i++)
            {
                var id = PacketHeader.ReadAddress(payload);
                payload = payload[PacketHeader.AddressSize..];
                asked[i] = id.Value;
                if (asked[..i].Contains(id.Value))
                {
                    continue;
                }

                var known = id == control.Id
                    ? control.Identity
                    : peers.Find(id)?.Identity ?? (worldsInUse.IsRoot && peers.TryFindCached(id, out var old) ? old.Identity : null);
                if (known is not null)
                {
                    known.WriteTo(identity);
                    if (!control.EmitOk(peer, info, Verb.Whois, identity))
                    {
                        // The anti-amplification limit is reached: the asker sends WHOIS again for the rest.
                        return;
                    }
                }
                else if (worldsInUse.IsRoot && upstreams.All.Count > 0 && !peer.IsUpstream && questions-- > 0)
                {
                    // Asks the roots above us, once: the asker sends its WHOIS again, and may then get the answer from us.
                    Whois(id, now, questions: 1);
                }
            }
        }
    }

    /// <summary>Handles an answer to WHOIS. Accepted only from roots, and only for addresses that are being looked up.</summary>
    public void OnAnswer(Peer peer, ReadOnlySpan<byte> data)
    {
        if (!peer.IsUpstream)
        {
            control.Drops.Add(DropReason.NotUpstream);
            return;
        }

        for (; WireIdentity.TryRead(data, out var identity); data = data[NodeIdentity.BinarySize..])
        {
            if (identity.Address == control.Id || peers.Find(identity.Address) is not null)
            {
                continue;
            }

            lock (control.Lock)
            {
                if (!whois.Contains(identity.Address))
                {
                    continue;
                }
            }

            if (SessionKeys.Agree(control.Identity, identity) is { } keys)
            {
                using (control.Enter())
                {
                    directory.Add(identity, keys, control.Now);
                }
            }
        }
    }

    private void SendWhois(NodeId id)
    {
        if (upstreams.Best is { } root)
        {
            Span<byte> payload = stackalloc byte[PacketHeader.AddressSize];
            PacketHeader.WriteAddress(payload, id);
            router.Emit(root, Verb.Whois, payload);
        }
    }
}
