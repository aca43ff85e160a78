using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Derives whether the node is online from an unreliable native flag: it is set 5 to 10 seconds after peers are reachable, and any other
/// event of the core clears it (docs/protocol/4-libzt-api.md 4.3) for as long as the node stays online. Received traffic overrides the
/// flag. Not thread-safe.
/// </summary>
internal sealed class OnlineState(TimeProvider time)
{
    // How long a set flag must stay set. libzt sets it just before it delivers the events of the same moment, 25 ms each, and those clear
    // it again.
    internal static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    // How long a cleared flag must stay cleared when no events arrive, since the flag alone does not mean offline; libzt itself reports
    // offline when no root was heard for 30 s.
    internal static readonly TimeSpan Doubt = TimeSpan.FromSeconds(30);

    // For how long received traffic proves that the node is online.
    internal static readonly TimeSpan ProofAge = TimeSpan.FromSeconds(30);

    private bool _eventsArrive;
    private bool _toldOffline;
    private long? _differsSince;
    private long? _lastTraffic;

    // Online because of traffic, and the flag has not been set since then.
    private bool _flagIsLate;

    public bool IsOnline { get; private set; }

    /// <summary>True while the flag is set but not trusted yet, so that it should be polled soon.</summary>
    public bool IsSettling => !IsOnline && _differsSince is not null;

    /// <summary>Processes a native event.</summary>
    public void OnEvent(NativeEvent code)
    {
        _eventsArrive = true;
        _toldOffline |= code == NativeEvent.NodeOffline;
    }

    /// <summary>Processes the native flag; true when <see cref="IsOnline"/> changed.</summary>
    /// <param name="flag">The flag.</param>
    /// <param name="traffic">Whether something was received from a peer since the last poll.</param>
    public bool Observe(bool flag, bool traffic = false)
    {
        if (traffic)
        {
            _lastTraffic = time.GetTimestamp();
            if (!IsOnline)
            {
                _flagIsLate = !flag;
                _differsSince = null;
                _toldOffline = false;
                return IsOnline = true;
            }
        }

        if (flag == IsOnline)
        {
            _differsSince = null;
            _flagIsLate &= !flag;

            // A set flag invalidates an earlier "offline" event.
            _toldOffline &= !flag;
            return false;
        }

        _differsSince ??= time.GetTimestamp();
        var lasted = time.GetElapsedTime(_differsSince.Value);
        bool proven = _lastTraffic is { } last && time.GetElapsedTime(last) < ProofAge;
        bool believed = flag ? lasted >= Settling : !proven && (_flagIsLate || (_eventsArrive ? _toldOffline : lasted >= Doubt));
        if (!believed)
        {
            return false;
        }

        IsOnline = flag;
        _differsSince = null;
        _flagIsLate = false;
        _toldOffline = false;
        return true;
    }
}
