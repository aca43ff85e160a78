using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>
/// What one node has shown of itself on one network, and what the controller has taken back (docs/protocol/3-vl2.md 3.5.8). Only
/// credentials with a good signature get in, and of each kind a bounded number. Thread-safe.
/// </summary>
internal sealed class Member(NodeId node)
{
    /// <summary>Credentials that a member may have of each kind, and revocations.</summary>
    private const int MaxPerKind = 128;

    private readonly Lock _gate = new();
    private readonly Dictionary<(CredentialType Type, uint Id), Credential> _credentials = [];
    private readonly Dictionary<(CredentialType Type, uint Id), ulong> _revoked = [];
    private MembershipCertificate? _membership;
    private ulong _membershipThreshold;
    private volatile MemberView? _view;

    public NodeId Node => node;

    /// <summary>When we last showed it our credentials; milliseconds of VL1.</summary>
    public long LastPushed { get; set; }

    /// <summary>We showed them so soon after the time before that it may not have read them.</summary>
    public bool MayBeUnread { get; set; }

    /// <summary>The configuration whose credentials it was shown; null for none.</summary>
    public NetworkConfiguration? Pushed { get; set; }

    /// <summary>It has shown a certificate of membership.</summary>
    public bool HasMembership => Volatile.Read(ref _membership) is not null;

    /// <summary>When it was last of use: the table forgets those that are long gone.</summary>
    public long LastUsed { get; set; }

    /// <summary>
    /// What counts of it under a configuration, where that has been worked out with its identity; else null. For the way of each frame.
    /// </summary>
    public MemberView? KnownView(NetworkConfiguration configuration) =>
        _view is { HasIdentity: true } view && ReferenceEquals(view.Configuration, configuration) ? view : null;

    /// <summary>What counts of it under a configuration. Computed once for each change; allocates nothing otherwise.</summary>
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

    /// <summary>Takes a certificate of membership that is issued to this node.</summary>
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

    /// <summary>Takes a tag, capability or certificate of ownership that is issued to this node.</summary>
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

    /// <summary>Whether the certificate of membership that it has shown has been revoked.</summary>
    public bool IsRevoked =>
        Volatile.Read(ref _membership) is { } membership && membership.Timestamp <= Volatile.Read(ref _membershipThreshold);

    /// <summary>
    /// Takes a revocation whose target is this node. New means: it says more than what was known, and may have to be passed on.
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

        // Whatever is revoked, a new certificate of membership is needed, too: so does ZeroTierOne 1.12.
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

    // Compared are times of the controller alone: all members grow old together.
    private IEnumerable<Credential> UsableCredentials(NetworkConfiguration configuration) => _credentials.Values.Where(c =>
        Math.Max(
            c.Timestamp, configuration.Timestamp) - Math.Min(c.Timestamp, configuration.Timestamp) <= configuration.CredentialMaxDelta &&
        c.Timestamp > _revoked.GetValueOrDefault((c.Type, c.Id)));
}
