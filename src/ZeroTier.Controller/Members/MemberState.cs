using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>A member of a network in memory: its record, and what the controller has seen of the node since it was started.</summary>
internal sealed class MemberState(NetworkState network, ControllerMember record)
{
    /// <summary>Nothing was heard of the node yet.</summary>
    public const long Never = long.MinValue;

    // What a node says of its software is kept for people; one that says something else each time must not cost a write, and a revision,
    // each time.
    private const long VersionInterval = 600_000;

    private volatile ControllerMember _record = record;
    private long _lastRequest = Never;
    private bool _isShownOnline;
    private long _versionNoted = Never;

    public NetworkState Network => network;

    public NodeId Node => _record.Node;

    /// <summary>What is stored. Replaced whole, after it is durable.</summary>
    public ControllerMember Record
    {
        get => _record;
        set => _record = value;
    }

    /// <summary>When it last asked, in the controller's milliseconds.</summary>
    public long LastRequest => Interlocked.Read(ref _lastRequest);

    /// <summary>What subscribers were told.</summary>
    public bool IsShownOnline => Volatile.Read(ref _isShownOnline);

    /// <summary>A request that waits for its turn; null for none. Guarded by the queue's lock.</summary>
    public ControllerRequest? Waiting { get; set; }

    /// <summary>Whether it stands in the queue. Guarded by the queue's lock.</summary>
    public bool IsQueued { get; set; }

    // The rest is touched by whoever has the turn.

    /// <summary>Of its last request.</summary>
    public bool UnderstandsRules { get; set; }

    /// <summary>The time stamp of the newest configuration or revocation that it got.</summary>
    public ulong LastTimestamp { get; set; }

    /// <summary>The number of the last entry of the network's revocations that it was told.</summary>
    public long LastRevocation { get; set; }

    public AddressState Addresses { get; set; }

    /// <summary>Whether nobody has ever let the node in, or edited its record: it asked, and that is all.</summary>
    public bool IsStranger => IsUntouched(_record);

    /// <summary>
    /// Whether a public network let it in, and nobody has edited its record: it may give way to others when it is silent for long.
    /// </summary>
    public bool IsVisitor =>
        _record is { IsAuthorized: true, AuthorizedBy: AuthorizationSource.PublicNetwork } record && record.Name is null &&
            !record.IsActiveBridge && record.AssignsAddresses && !record.IsLoginExempt && record.Extensions.IsEmpty;

    /// <summary>For how long nothing was heard of it, at least.</summary>
    public long SilenceAt(long now) => LastRequest is var last && last == Never ? now : now - last;

    /// <summary>Whether a new version of the node's software is to be recorded now.</summary>
    public bool TryNoteVersion(long now)
    {
        if (_versionNoted != Never && now - _versionNoted < VersionInterval)
        {
            return false;
        }

        _versionNoted = now;
        return true;
    }

    /// <summary>Notes a request; false when the one before came less than the interval ago.</summary>
    public bool TryNoteRequest(long now, long interval)
    {
        long last = Interlocked.Read(ref _lastRequest);
        return (last == Never || now - last >= interval) && Interlocked.CompareExchange(ref _lastRequest, now, last) == last;
    }

    /// <summary>Notes what subscribers are told; false when they know already.</summary>
    public bool Show(bool online) => Interlocked.Exchange(ref _isShownOnline, online) != online;

    /// <summary>Whether it was heard of lately.</summary>
    public bool IsOnline(long now, long timeout) => LastRequest is var last && last != Never && now - last < timeout;

    private static bool IsUntouched(ControllerMember record) =>
        !record.IsAuthorized && record.LastAuthorizedTime is null && record.Identity is not null && record.Name is null &&
        !record.IsActiveBridge &&
        record.AssignsAddresses && !record.IsLoginExempt && record.Addresses.IsEmpty && record.Tags.IsEmpty &&
        record.Capabilities.IsEmpty && record.Extensions.IsEmpty;
}
