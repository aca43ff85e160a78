using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>The state of a member in memory: its record, and what the controller has observed of the node since it was opened.</summary>
internal sealed class MemberState(NetworkState network, ControllerMember record)
{
    /// <summary>The value for a node that has not made a request yet.</summary>
    public const long Never = long.MinValue;

    // The shortest time in milliseconds between two updates of a member's version: a node that reports another version with each request
    // must not cause a write each time.
    private const long VersionInterval = 600_000;

    private volatile ControllerMember _record = record;
    private long _lastRequest = Never;
    private bool _isShownOnline;
    private long _versionNoted = Never;

    public NetworkState Network => network;

    public NodeId Node => _record.Node;

    /// <summary>The stored record. Replaced after the new one is durable.</summary>
    public ControllerMember Record
    {
        get => _record;
        set => _record = value;
    }

    /// <summary>The time of its last request, in the controller's milliseconds.</summary>
    public long LastRequest => Interlocked.Read(ref _lastRequest);

    /// <summary>The online state that was last published to subscribers.</summary>
    public bool IsShownOnline => Volatile.Read(ref _isShownOnline);

    /// <summary>The queued request; null for none. Guarded by the queue's lock.</summary>
    public ControllerRequest? Waiting { get; set; }

    /// <summary>Whether the member is in the queue. Guarded by the queue's lock.</summary>
    public bool IsQueued { get; set; }

    // The members below are used with the controller's turn held.

    /// <summary>Whether the node supports rules, according to its last request.</summary>
    public bool UnderstandsRules { get; set; }

    /// <summary>The timestamp of the newest configuration that it was sent.</summary>
    public ulong LastTimestamp { get; set; }

    /// <summary>The number of the last entry of the network's revocation list that it was sent.</summary>
    public long LastRevocation { get; set; }

    public AddressState Addresses { get; set; }

    /// <summary>Whether the node has only made requests: it was never authorised, and nobody has edited its record.</summary>
    public bool IsStranger => IsUntouched(_record);

    /// <summary>
    /// Whether the node was admitted because the network is public, and nobody has edited its record: such a record may be deleted when the
    /// node has been silent for long and room is needed.
    /// </summary>
    public bool IsVisitor =>
        _record is { IsAuthorized: true, AuthorizedBy: AuthorizationSource.PublicNetwork } record && record.Name is null &&
            !record.IsActiveBridge && record.AssignsAddresses && !record.IsLoginExempt && record.Extensions.IsEmpty;

    /// <summary>The time since its last request; without one, the time since the controller was opened.</summary>
    public long SilenceAt(long now) => LastRequest is var last && last == Never ? now : now - last;

    /// <summary>Whether a changed software version may be stored now.</summary>
    public bool TryNoteVersion(long now)
    {
        if (_versionNoted != Never && now - _versionNoted < VersionInterval)
        {
            return false;
        }

        _versionNoted = now;
        return true;
    }

    /// <summary>Records a request; false when the previous one was less than the interval ago.</summary>
    public bool TryNoteRequest(long now, long interval)
    {
        long last = Interlocked.Read(ref _lastRequest);
        return (last == Never || now - last >= interval) && Interlocked.CompareExchange(ref _lastRequest, now, last) == last;
    }

    /// <summary>Sets the published online state; false when it is unchanged.</summary>
    public bool Show(bool online) => Interlocked.Exchange(ref _isShownOnline, online) != online;

    /// <summary>Whether the last request is recent.</summary>
    public bool IsOnline(long now, long timeout) => LastRequest is var last && last != Never && now - last < timeout;

    private static bool IsUntouched(ControllerMember record) =>
        !record.IsAuthorized && record.LastAuthorizedTime is null && record.Identity is not null && record.Name is null &&
        !record.IsActiveBridge &&
        record.AssignsAddresses && !record.IsLoginExempt && record.Addresses.IsEmpty && record.Tags.IsEmpty &&
        record.Capabilities.IsEmpty && record.Extensions.IsEmpty;
}
