using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Whether the node is online, from a native flag that is unreliable: it is set 5 to 10 seconds after peers are reachable, and any other
/// event of the core clears it (docs/protocol/4-libzt-api.md 4.3) for as long as the node stays online. Received traffic overrides the
/// flag. Not thread-safe.
/// </summary>
internal sealed class OnlineState(TimeProvider time)
{
    // The flag is set a moment before the events of the same instant, among them those of the roots, are handed out, which takes 25 ms each
    // time.
    internal static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    // Without events a cleared flag cannot be told from a lost network; libzt itself reports a node offline when no root was heard for 30
    // s.
    internal static readonly TimeSpan Doubt = TimeSpan.FromSeconds(30);

    // What came from a peer proves for so long that the node can be used.
    internal static readonly TimeSpan ProofAge = TimeSpan.FromSeconds(30);

    private bool _eventsArrive;
    private bool _toldOffline;
    private long? _differsSince;
    private long? _lastTraffic;

    // Online because of traffic, while the flag has never been set since.
    private bool _flagIsLate;

    public bool IsOnline { get; private set; }

    /// <summary>
    /// True while the flag is set and not believed yet, so that a look at it soon is of use. A cleared one may stay so for as long as the
    /// node is online.
    /// </summary>
    public bool IsSettling => !IsOnline && _differsSince is not null;

    /// <summary>Notes a native event.</summary>
    public void OnEvent(NativeEvent code)
    {
        _eventsArrive = true;
        _toldOffline |= code == NativeEvent.NodeOffline;
    }

    /// <summary>Takes in the native flag; true when <see cref="IsOnline"/> changed.</summary>
    /// <param name="flag">The flag.</param>
    /// <param name="traffic">Whether a peer has sent something since the last look.</param>
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

            // An "offline" event that the flag contradicts is outdated.
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
