using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>A member of a network in memory: its record, and what the controller has seen of the node since it was started.</summary>
internal sealed class MemberState(NetworkState network, ControllerMember record)
{
    /// <summary>Nothing was heard of the node yet.</summary>
    public const long Never = long.MinValue;

    private volatile ControllerMember _record = record;
    private long _lastRequest = Never;
    private bool _isShownOnline;

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

    public AddressState Addresses { get; set; }

    /// <summary>Whether nobody has ever let the node in, or edited its record: it asked, and that is all.</summary>
    public bool IsStranger => IsUntouched(_record);

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
        !record.IsAuthorized && record.LastAuthorizedTime is null && record.Identity is not null && record.Name is null && !record.IsActiveBridge &&
        record.AssignsAddresses && !record.IsLoginExempt && record.Addresses.IsEmpty && record.Tags.IsEmpty && record.Capabilities.IsEmpty && record.Extensions.IsEmpty;
}
