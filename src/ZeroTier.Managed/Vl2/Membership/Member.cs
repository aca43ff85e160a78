using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>
/// The credentials that one node has presented on one network, and their revocations (docs/protocol/3-vl2.md 3.5.8). Only credentials with
/// a valid signature are added, and a limited number of each kind. Thread-safe.
/// </summary>
internal sealed class Member(NodeId node)
{
    /// <summary>Most credentials of each kind, and most revocations, of one member.</summary>
    private const int MaxPerKind = 128;

    private readonly Lock _gate = new();
    private readonly Dictionary<(CredentialType Type, uint Id), Credential> _credentials = [];
    private readonly Dictionary<(CredentialType Type, uint Id), ulong> _revoked = [];
    private MembershipCertificate? _membership;
    private ulong _membershipThreshold;
    private volatile MemberView? _view;
    private volatile bool _isRemoved;

    public NodeId Node => node;

    /// <summary>It is no longer in the table.</summary>
    public bool IsRemoved
    {
        get => _isRemoved;
        set => _isRemoved = value;
    }

    /// <summary>When we last sent it our credentials, in VL1's milliseconds.</summary>
    public long LastPushed { get; set; }

    /// <summary>We sent them so soon after the last time that it may have dropped them unread.</summary>
    public bool MayBeUnread { get; set; }

    /// <summary>The configuration whose credentials we last sent it; null for none.</summary>
    public NetworkConfiguration? Pushed { get; set; }

    /// <summary>It has presented a certificate of membership.</summary>
    public bool HasMembership => Volatile.Read(ref _membership) is not null;

    /// <summary>When a frame was last received from it or sent to it; unused entries are removed from the table.</summary>
    public long LastUsed { get; set; }

    /// <summary>
    /// Its status and valid credentials under a configuration, if already computed with its identity; else null. Cheap enough for every
    /// frame.
    /// </summary>
    public MemberView? KnownView(NetworkConfiguration configuration) =>
        _view is { HasIdentity: true } view && ReferenceEquals(view.Configuration, configuration) ? view : null;

    /// <summary>
    /// Its status and valid credentials under a configuration. Computed once after each change; otherwise allocates nothing.
    /// </summary>
    public MemberView View(NetworkConfiguration configuration, NodeIdentity? identity)
    {
        MemberView? view = _view;
        if (view is not null && ReferenceEquals(view.Configuration, configuration) && (view.HasIdentity || identity is null))
        {
            return view;
        }

        lock (_gate)
        {
            return _view = new MemberView(
                configuration,
                IsAllowed(configuration, identity),
                identity is not null,
                new CredentialView(UsableCredentials(configuration)));
        }
    }

    /// <summary>Adds a certificate of membership that was issued to this node.</summary>
    public CredentialOutcome Add(MembershipCertificate membership, ISignerDirectory signers)
    {
        lock (_gate)
        {
            if (membership.Timestamp <= _membershipThreshold || membership.Timestamp < _membership?.Timestamp)
            {
                return CredentialOutcome.Rejected;
            }

            if (_membership is not null && membership.Encoded.Span.SequenceEqual(_membership.Encoded.Span))
            {
                return CredentialOutcome.Known;
            }
        }

        return Accept(membership.CheckSignature(signers), () =>
        {
            if (membership.Timestamp <= _membershipThreshold || membership.Timestamp < _membership?.Timestamp)
            {
                return false;
            }

            _membership = membership;
            return true;
        });
    }

    /// <summary>Adds a tag, capability or certificate of ownership that was issued to this node.</summary>
    public CredentialOutcome Add(Credential credential, ISignerDirectory signers)
    {
        var key = (credential.Type, credential.Id);
        lock (_gate)
        {
            if (_credentials.TryGetValue(key, out Credential? known) && credential.Encoded.Span.SequenceEqual(known.Encoded.Span))
            {
                return CredentialOutcome.Known;
            }

            if (!IsNewer(key, credential.Timestamp))
            {
                return CredentialOutcome.Rejected;
            }
        }

        return Accept(credential.CheckSignature(signers), () =>
        {
            if (!IsNewer(key, credential.Timestamp)
                || (!_credentials.ContainsKey(key) && _credentials.Keys.Count(k => k.Type == key.Type) >= MaxPerKind))
            {
                return false;
            }

            _credentials[key] = credential;
            return true;
        });
    }

    /// <summary>Whether the certificate of membership that it has presented is revoked.</summary>
    public bool IsRevoked =>
        Volatile.Read(ref _membership) is { } membership && membership.Timestamp <= Volatile.Read(ref _membershipThreshold);

    /// <summary>
    /// Adds a revocation whose target is this node. The result is New when it revokes more than was known, so that it may have to be
    /// forwarded.
    /// </summary>
    public CredentialOutcome Add(Revocation revocation, ISignerDirectory signers)
    {
        bool isNew = false;
        CredentialOutcome result = Accept(revocation.CheckSignature(signers), () =>
        {
            isNew = Apply(revocation);
            return true;
        });
        return result == CredentialOutcome.New && !isNew ? CredentialOutcome.Known : result;
    }

    private bool Apply(Revocation revocation)
    {
        if (revocation.Type == CredentialType.Membership)
        {
            if (revocation.Threshold <= _membershipThreshold)
            {
                return false;
            }
        }
        else
        {
            var key = (revocation.Type, revocation.CredentialId);
            if (revocation.Type is not (CredentialType.Capability or CredentialType.Tag or CredentialType.Ownership) ||
                revocation.Threshold <= _revoked.GetValueOrDefault(key) || (!_revoked.ContainsKey(key) && _revoked.Count >= MaxPerKind))
            {
                return false;
            }

            _revoked[key] = revocation.Threshold;
        }

        // As in ZeroTierOne 1.12, any revocation also revokes the certificate of membership, so that a new one is needed.
        _membershipThreshold = Math.Max(_membershipThreshold, revocation.Threshold);
        return true;
    }

    private CredentialOutcome Accept(SignatureResult check, Func<bool> apply)
    {
        if (check != SignatureResult.Good)
        {
            return check == SignatureResult.UnknownSigner ? CredentialOutcome.UnknownSigner : CredentialOutcome.Rejected;
        }

        lock (_gate)
        {
            if (!apply())
            {
                return CredentialOutcome.Rejected;
            }

            _view = null;
            return CredentialOutcome.New;
        }
    }

    private bool IsNewer((CredentialType Type, uint Id) key, ulong timestamp) =>
        (!_credentials.TryGetValue(key, out Credential? known) || timestamp >= known.Timestamp)
        && timestamp > _revoked.GetValueOrDefault(key);

    private bool IsAllowed(NetworkConfiguration configuration, NodeIdentity? identity) =>
        configuration.IsPublic || (identity is not null && _membership is not null && configuration.Membership is { } ours &&
            _membership.Timestamp > _membershipThreshold && ours.Agrees(_membership, identity.PublicKeyHash));

    // Both times are of the controller's clock; our own clock plays no part.
    private IEnumerable<Credential> UsableCredentials(NetworkConfiguration configuration) => _credentials.Values.Where(c =>
        Math.Max(
            c.Timestamp, configuration.Timestamp) - Math.Min(c.Timestamp, configuration.Timestamp) <= configuration.CredentialMaxDelta &&
        c.Timestamp > _revoked.GetValueOrDefault((c.Type, c.Id)));
}
