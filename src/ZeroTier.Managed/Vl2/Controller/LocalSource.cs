using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>Configuration of a network whose controller runs in this same node. Thread-safe.</summary>
internal sealed class LocalSource(NetworkId network, ControllerPort port, RandomSource random) : IConfigurationSource
{
    // The intervals of other members (docs/protocol/3-vl2.md 3.3.1).
    private const long RequestInterval = 5_000;
    private const long RefreshInterval = 60_000;

    private readonly Lock _lock = new();
    private IConfigurationSink? _sink;
    private long _requested = long.MinValue;
    private bool _isConfigured;

    public NetworkId Network => network;

    public void Start(IConfigurationSink sink)
    {
        _sink = sink;
        OnTick(port.Now);
    }

    public void OnTick(long now)
    {
        lock (_lock)
        {
            if (_sink is null || (_requested != long.MinValue && now - _requested < (_isConfigured ? RefreshInterval : RequestInterval)))
            {
                return;
            }

            _requested = now;
        }

        port.Ask(this);
    }

    // No other node may configure a network of our own controller.
    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) => PacketResult.Ignored;

    public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) => PacketResult.Ignored;

    /// <summary>The controller has answered, or pushed a changed configuration.</summary>
    public void Take(ReadOnlyMemory<byte> dictionary)
    {
        if (!NetworkConfigurationReader.TryRead(dictionary.Span, random, out NetworkConfiguration? configuration, out NodeId issuedTo) ||
            configuration.Id != network || issuedTo != port.Identity.Address)
        {
            return;
        }

        Note(isConfigured: true);
        _sink?.Apply(configuration);
    }

    /// <summary>The controller refuses.</summary>
    public void Fail(ControllerRefusal reason)
    {
        Note(isConfigured: false);
        NodeId self = port.Identity.Address;
        _sink?.Fail(reason switch
        {
            ControllerRefusal.NotFound => new(ZeroTierNetworkStatus.NotFound,
                $"The controller in this node, {self}, knows no network {network}. Make it there, or check the ID."),
            ControllerRefusal.AuthenticationRequired => new(
                ZeroTierNetworkStatus.AuthenticationRequired,
                $"The controller in this node wants a person to log in for it. Exempt member {self} of network {network} from the login."),
            _ => new(
                ZeroTierNetworkStatus.AccessDenied,
                $"Node {self} is not authorised on network {network}. Authorise it at its own controller; it then becomes "
                + "ready by itself."),
        });
    }

    private void Note(bool isConfigured)
    {
        lock (_lock)
        {
            _isConfigured = isConfigured;
        }
    }
}
