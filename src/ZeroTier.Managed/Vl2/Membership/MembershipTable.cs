using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>
/// The members of one network with a controller: receives and presents credentials, and accepts frames of nodes whose certificate of
/// membership agrees with ours (docs/protocol/3-vl2.md 3.5.7 to 3.5.9). Kept in memory only. Thread-safe.
/// </summary>
internal sealed class MembershipTable(Vl1Node vl1) : IMembershipGate
{
    /// <summary>
    /// Most members. Entries are made for valid credentials and for our own traffic; a full table evicts the least recently used one.
    /// </summary>
    internal const int MaxMembers = 16_384;

    /// <summary>Most nodes that are being asked for a certificate at the same time.</summary>
    private const int MaxAsked = 1024;

    /// <summary>Our credentials are sent again after this many milliseconds, even if they have not changed.</summary>
    private const long PushInterval = 500_000;

    /// <summary>On request they are sent at most once in this many milliseconds.</summary>
    private const long PushOnRequestInterval = 1_000;

    /// <summary>
    /// A receiver reads one NETWORK_CREDENTIALS packet of a member in this many milliseconds, margin included, and drops others unread
    /// (3.5.7).
    /// </summary>
    private const long ReadInterval = 1_100;

    /// <summary>A node whose certificate is missing is asked for it at most once in this many milliseconds.</summary>
    private const long AskInterval = 1_000;

    /// <summary>A member with which no frames were exchanged for this many milliseconds is removed.</summary>
    private const long MemberLifetime = 7_200_000;

    private const long CleanInterval = 60_000;

    private const int RecentMembers = 64;

    private readonly ConcurrentDictionary<NodeId, Member> _members = new();
    private readonly ConcurrentDictionary<NodeId, long> _asked = new();

    // The member whose certificate of ownership was last added for an address. At each use it is checked that the certificate is still
    // valid.
    private readonly ConcurrentDictionary<IpAddress, NodeId> _owners = new();
    private readonly SignerDirectory _signers = new(vl1);
    private long _cleaned = long.MinValue;

    // The members of the latest frames, by the low bits of their node IDs: each frame looks its member up, and several threads receive.
    private readonly Member?[] _recent = new Member?[RecentMembers];

    /// <inheritdoc />
    public IEnumerable<NodeId> Known => _members.Values.Where(m => m.HasMembership).Select(m => m.Node);

    /// <inheritdoc />
    public Admission Admit(NetworkConfiguration configuration, Peer peer, out IMemberCredentials? shown)
    {
        long now = vl1.LatelyNow;
        if (TryGet(peer.Id, out Member? member))
        {
            MemberView view = member.View(configuration, peer.Identity);
            shown = view.Credentials;
            if (view.IsAllowed)
            {
                member.LastUsed = now;
                return Admission.Admitted;
            }
        }
        else
        {
            shown = null;
            if (configuration.IsPublic)
            {
                return Admission.Admitted;
            }
        }

        return ShouldAsk(peer.Id) ? Admission.HoldAndAsk : Admission.Hold;
    }

    /// <inheritdoc />
    public bool IsMember(NetworkConfiguration configuration, Peer peer) =>
        _members.TryGetValue(peer.Id, out Member? member) ? member.View(configuration, peer.Identity).IsAllowed : configuration.IsPublic;

    /// <inheritdoc />
    public IMemberCredentials? Find(NetworkConfiguration configuration, NodeId member) =>
        TryGet(member, out Member? known) ? ViewOf(known, configuration).Credentials : null;

    /// <summary>
    /// The tags and capabilities of a member, as certified by the controller, or our own; null when the node is not known to be a member.
    /// </summary>
    public ZeroTierMembership? Describe(NetworkConfiguration configuration, NodeId node)
    {
        if (node == vl1.Id)
        {
            return Describe(configuration.Id, node, new CredentialView([.. configuration.Tags, .. configuration.Capabilities]));
        }

        return _members.TryGetValue(node, out Member? known) && ViewOf(known, configuration) is { IsAllowed: true } view &&
            (known.HasMembership || !view.Credentials.IsEmpty) ? Describe(configuration.Id, node, view.Credentials) : null;
    }

    /// <inheritdoc />
    public NodeId? OwnerOf(NetworkConfiguration configuration, in IpAddress address) =>
        _owners.TryGetValue(address, out NodeId owner) && _members.TryGetValue(owner, out Member? member) &&
            ViewOf(member, configuration).Credentials.Owns(address) ? owner : null;

    /// <summary>
    /// The lowest address inside our prefixes in a member's certificates of ownership, IPv4 before IPv6; null for none.
    /// </summary>
    public IpAddress? FindAddress(NetworkConfiguration configuration, NodeId member)
    {
        IpAddress? best = null;
        foreach (var (address, owner) in _owners)
        {
            if (owner == member
                && configuration.HasPrefixOf(address)
                && (best is null || IsBefore(address, best.Value))
                && OwnerOf(configuration, address) == member)
            {
                best = address;
            }
        }

        return best;
    }

    /// <inheritdoc />
    public void BeforeSend(NetworkConfiguration configuration, NodeId member)
    {
        long now = vl1.LatelyNow;
        Member known = GetOrAdd(member, now);
        known.LastUsed = now;
        if (!ReferenceEquals(known.Pushed, configuration) || now - known.LastPushed > (known.MayBeUnread ? ReadInterval : PushInterval))
        {
            Push(configuration, known, vl1.Now);
        }
    }

    /// <inheritdoc />
    public void OnCredentialsRequested(NetworkConfiguration configuration, Peer peer)
    {
        // A node to which we have sent no frame cannot have refused one; so other nodes cannot fill the table.
        if (!_members.TryGetValue(peer.Id, out Member? known))
        {
            return;
        }

        long now = vl1.Now;
        if (!ReferenceEquals(known.Pushed, configuration) || now - known.LastPushed > PushOnRequestInterval)
        {
            Push(configuration, known, now);
        }
    }

    /// <summary>Adds a certificate of membership of this network.</summary>
    public CredentialOutcome Add(MembershipCertificate certificate) => Add(
        certificate.IssuedTo, member => member.Add(certificate, _signers), () => certificate.CheckSignature(_signers));

    /// <summary>Adds a tag, capability or certificate of ownership of this network.</summary>
    public CredentialOutcome Add(Credential credential)
    {
        CredentialOutcome result = Add(
            credential.IssuedTo, member => member.Add(credential, _signers), () => credential.CheckSignature(_signers));
        if (result == CredentialOutcome.New && credential is OwnershipCertificate ownership)
        {
            foreach (IpAddress address in ownership.Addresses)
            {
                if (_owners.Count < MaxMembers || _owners.ContainsKey(address))
                {
                    _owners[address] = ownership.IssuedTo;
                }
            }
        }

        return result;
    }

    /// <summary>Adds a revocation of this network.</summary>
    public CredentialOutcome Add(Revocation revocation) =>
        Add(revocation.Target, member => member.Add(revocation, _signers), () => revocation.CheckSignature(_signers));

    /// <summary>
    /// Forwards new revocations to other members, all in one packet, since each member reads one such packet of us per second (3.5.7).
    /// </summary>
    /// <param name="revocations">The revocations.</param>
    /// <param name="source">The node that has sent them to us.</param>
    /// <param name="controller">The network's controller, to which they are not forwarded.</param>
    public void PassOn(IReadOnlyList<ReadOnlyMemory<byte>> revocations, NodeId source, NodeId? controller)
    {
        byte[] payload = CredentialList.EncodeRevocations(revocations);
        foreach (NodeId member in Known)
        {
            if (member != source && member != controller)
            {
                vl1.Send(member, Verb.NetworkCredentials, payload);
            }
        }
    }

    /// <summary>Whether the certificate of membership that a node has presented is revoked.</summary>
    public bool IsRevoked(NodeId node) => _members.TryGetValue(node, out Member? member) && member.IsRevoked;

    /// <inheritdoc />
    public bool ShouldAsk(NodeId node)
    {
        long now = vl1.Now;
        if (_asked.TryGetValue(node, out long last))
        {
            return now - last >= AskInterval && _asked.TryUpdate(node, now, last);
        }

        return _asked.Count < MaxAsked && _asked.TryAdd(node, now);
    }

    /// <inheritdoc />
    public void OnTick(NetworkConfiguration configuration, long now)
    {
        if (_cleaned != long.MinValue && now - _cleaned < CleanInterval)
        {
            return;
        }

        _cleaned = now;
        foreach (Member member in _members.Values)
        {
            if (now - member.LastUsed > MemberLifetime)
            {
                Remove(member);
            }
        }

        foreach (var (address, owner) in _owners)
        {
            if (!_members.ContainsKey(owner))
            {
                _owners.TryRemove(address, out _);
            }
        }

        foreach (var (node, asked) in _asked)
        {
            if (now - asked > AskInterval)
            {
                _asked.TryRemove(node, out _);
            }
        }
    }

    private static ZeroTierMembership Describe(NetworkId network, NodeId node, CredentialView credentials) => new(network, node)
    {
        Tags = credentials.Tags.ToFrozenDictionary(tag => tag.Id, tag => tag.Value),
        Capabilities = credentials.CapabilityIds,
    };

    // The member's identity is looked up only when there is no view that was computed with it.
    private MemberView ViewOf(Member member, NetworkConfiguration configuration) =>
        member.KnownView(configuration) ?? member.View(configuration, vl1.FindPeer(member.Node)?.Identity);

    // An entry is made only for a credential with a valid signature of the controller, so that other nodes cannot fill the table.
    private CredentialOutcome Add(NodeId node, Func<Member, CredentialOutcome> take, Func<SignatureResult> check)
    {
        if (!_members.TryGetValue(node, out Member? member))
        {
            SignatureResult result = check();
            if (result != SignatureResult.Good)
            {
                return result == SignatureResult.UnknownSigner ? CredentialOutcome.UnknownSigner : CredentialOutcome.Rejected;
            }

            member = GetOrAdd(node, vl1.Now);
        }

        return take(member);
    }

    private bool TryGet(NodeId node, [NotNullWhen(true)] out Member? member)
    {
        ref Member? recent = ref _recent[(int)node.Value & (RecentMembers - 1)];
        member = Volatile.Read(ref recent);
        if (member is { IsRemoved: false } && member.Node == node)
        {
            return true;
        }

        if (!_members.TryGetValue(node, out member))
        {
            return false;
        }

        Volatile.Write(ref recent, member);
        return true;
    }

    private void Remove(Member member)
    {
        // Before the removal: from then on another entry may be made for the node, which must be found in place of this one.
        member.IsRemoved = true;
        _members.TryRemove(member.Node, out _);
    }

    private Member GetOrAdd(NodeId node, long now)
    {
        if (TryGet(node, out Member? member))
        {
            return member;
        }

        if (_members.Count >= MaxMembers && _members.Values.MinBy(m => m.LastUsed) is { } oldest)
        {
            Remove(oldest);
        }

        return _members.GetOrAdd(node, static (id, used) => new Member(id) { LastUsed = used }, now);
    }

    private static bool IsBefore(in IpAddress address, in IpAddress other) =>
        address.IsIPv4 == other.IsIPv4 ? address.Value < other.Value : address.IsIPv4;

    private void Push(NetworkConfiguration configuration, Member member, long now)
    {
        // The first packet is always read; one that is sent too soon after another may not be, and is repeated by BeforeSend.
        member.MayBeUnread = member.Pushed is not null && now - member.LastPushed < ReadInterval;
        member.LastPushed = now;
        member.Pushed = configuration;
        if (configuration.ShownCredentials is { IsEmpty: false } payload)
        {
            vl1.Send(member.Node, Verb.NetworkCredentials, payload.Span);
        }
    }

    private sealed class SignerDirectory(Vl1Node vl1) : ISignerDirectory
    {
        public NodeIdentity? Find(NodeId node) => vl1.FindIdentity(node);
    }
}
