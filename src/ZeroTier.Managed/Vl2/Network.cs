using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// A joined network: its port and stack, which exist from the moment of joining, and its state. Its source reports configurations and
/// failures; each change is applied to the stack, then to the port, then reported to the node. Thread-safe.
/// </summary>
/// <remarks>
/// Changes are applied by one thread at a time, without a lock, since they call applications. A second thread only stores its state and
/// returns; the first one applies it. If states are reported faster than they are applied, only the latest is applied.
/// </remarks>
internal sealed class Network : IConfigurationSink, IDisposable
{
    /// <summary>Most address conflicts that are reported, since a hostile member could claim all our addresses.</summary>
    private const int MaxConflicts = 16;
    private const int MaxConflictsOfMember = 2;

    private readonly Lock _gate = new();
    private readonly IConfigurationSource _source;
    private readonly IMembershipGate _members;
    private readonly IVl2Client _client;
    private volatile NetworkState _state = NetworkState.Joined;
    private volatile ZeroTierNetworkSettings _settings;

    // The configuration as assigned, before the settings are applied.
    private NetworkConfiguration? _assigned;
    private NetworkState _reported = NetworkState.Joined;
    private readonly HashSet<(NodeId Member, IpAddress Address)> _conflicts = [];
    private bool _changing;
    private bool _left;

    /// <summary>Creates port and stack. No configuration is requested before <see cref="Start"/>.</summary>
    public Network(
        NetworkId id, Vl1Node vl1, IConfigurationSource source, IMembershipGate members, Vl2DropCounters drops, NetworkTableOptions options)
    {
        Id = id;
        _source = source;
        _members = members;
        Members = members as MembershipTable;
        _client = options.Client;
        _settings = options.Settings;
        Port = new VirtualPort(vl1, id, members, drops) { Captures = options.Captures };
        Stack = new IpStack.IpStack(new IpStackOptions
        {
            MacAddress = Port.Mac,
            Link = Port,
            Resolver = Port,
            TimeProvider = options.TimeProvider,
            Random = options.Random,
            Completions = options.Completions,
            Budget = options.Budget,
            Batches = options.Batches,
        });
        Port.AddressClaimed = OnAddressClaimed;
        Port.Start(Stack.Receive);
    }

    public NetworkId Id { get; }

    /// <summary>The members, on a network with a controller; null on others.</summary>
    public MembershipTable? Members { get; }

    public VirtualPort Port { get; }

    public IpStack.IpStack Stack { get; }

    /// <summary>The settings that decide which assigned addresses and routes are accepted.</summary>
    public ZeroTierNetworkSettings Settings => _settings;

    /// <summary>The state in force.</summary>
    public NetworkState State => _state;

    /// <inheritdoc />
    public NetworkConfiguration? Configuration => _state.Configuration;

    /// <summary>Starts to request a configuration. An ad-hoc network has its configuration when this returns.</summary>
    public void Start() => _source.Start(this);

    /// <inheritdoc />
    public void Apply(NetworkConfiguration configuration)
    {
        // Throws here, to the source, what the stack would throw when the configuration is applied.
        _ = StackConfiguration(configuration);
        lock (_gate)
        {
            _assigned = configuration;
            _reported = new NetworkState(Take(configuration), null);
        }

        PutInForce();
    }

    /// <inheritdoc />
    public void Fail(NetworkFailure failure)
    {
        lock (_gate)
        {
            _reported = _reported with { Failure = failure };
        }

        PutInForce();
    }

    /// <summary>Changes the settings; they are applied to the configuration in force as well.</summary>
    public void Configure(ZeroTierNetworkSettings settings)
    {
        lock (_gate)
        {
            _settings = settings;
            if (_assigned is { } assigned)
            {
                _reported = _reported with { Configuration = Take(assigned) };
            }
        }

        PutInForce();
    }

    public void OnTick(long now)
    {
        _source.OnTick(now);
        if (Configuration is { } configuration)
        {
            _members.OnTick(configuration, now);
            Port.OnTick(now);
        }
    }

    /// <summary>Handles a chunk of a configuration, from the network ID on; pushed, or in answer to a request.</summary>
    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) =>
        _source.OnConfiguration(peer, info, isPushed, chunk);

    /// <summary>Handles the refusal of a configuration request. The data begin with the network ID.</summary>
    public PacketResult OnConfigurationError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) =>
        _source.OnError(peer, requestId, code, data);

    /// <summary>A peer asks for our credentials before it accepts our frames.</summary>
    public void OnCredentialsRequested(Peer peer)
    {
        if (Configuration is { } configuration)
        {
            _members.OnCredentialsRequested(configuration, peer);
        }
    }

    /// <summary>
    /// Adds a revocation. TCP connections with a node that is no longer a member are reset immediately, since its frames are dropped from
    /// now on. If this node itself is revoked, all are reset, and the configuration is requested again.
    /// </summary>
    /// <param name="revocation">The revocation, of this network.</param>
    public CredentialOutcome? Add(Revocation revocation)
    {
        CredentialOutcome? acceptance = Members?.Add(revocation);
        if (acceptance != CredentialOutcome.New
            || revocation.Type != CredentialType.Membership
            || Configuration is not { } configuration)
        {
            return acceptance;
        }

        MacAddress station = Port.Addressing.Mac(revocation.Target);
        if (station == Port.Mac)
        {
            if (configuration.Membership?.Timestamp <= revocation.Threshold)
            {
                Stack.Tcp.Abort(null, $"The controller of network {Id} has shut node {revocation.Target} out.");
                _source.Refresh();
            }
        }
        else if (!configuration.IsPublic && Members!.IsRevoked(revocation.Target))
        {
            Stack.Tcp.Abort(station, $"Node {revocation.Target} is no longer a member of network {Id}.");
        }

        return acceptance;
    }

    /// <summary>
    /// An IP address of a member: from its certificate of ownership, else from the neighbour cache; null when none is known.
    /// </summary>
    public IpAddress? FindAddress(NodeId member) => Configuration is not { } configuration ? null
        : Members?.FindAddress(configuration, member) ?? Stack.Neighbors.Find(Port.Addressing.Mac(member));

    /// <summary>
    /// Leaves the network: connections are reset, listeners and sockets are closed. Frames can be sent until that is done.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _left = true;
        }

        Stack.Dispose();
        Port.Stop();
    }

    // RFC 5227, 2.4 (c): the controller assigned the address to us, so it is defended and kept.
    private void OnAddressClaimed(NodeId member, IpAddress address)
    {
        bool isNew;
        lock (_conflicts)
        {
            // Limited per member, so that one hostile member does not prevent reports about others.
            isNew = _conflicts.Count < MaxConflicts
                && _conflicts.Count(c => c.Member == member) < MaxConflictsOfMember
                && _conflicts.Add((member, address));
        }

        Stack.Defend(address);
        if (isNew)
        {
            _client.OnAddressConflict(this, member, address);
        }
    }

    private static IpConfiguration StackConfiguration(NetworkConfiguration configuration) =>
        new(Math.Min(configuration.Mtu, VirtualPort.MaxFrameLength), configuration.Addresses.AsSpan(), configuration.Routes.AsSpan());

    // The addresses of an ad-hoc network are derived from its ID, so whoever joins it has chosen them: global ones are allowed.
    private NetworkConfiguration Take(NetworkConfiguration configuration) =>
        AssignmentPolicy.Apply(configuration, Id.IsAdHoc ? _settings with { AllowGlobal = true } : _settings);

    private void PutInForce()
    {
        lock (_gate)
        {
            if (_changing)
            {
                return;
            }

            _changing = true;
        }

        while (true)
        {
            var before = _state;
            NetworkState after;
            lock (_gate)
            {
                after = _reported;
                if (ReferenceEquals(before, after) || _left)
                {
                    _changing = false;
                    return;
                }
            }

            if (after.Configuration is { } configuration && !ReferenceEquals(configuration, before.Configuration))
            {
                // The stack first, so that it is configured before the port passes frames of the new configuration.
                Stack.Configure(StackConfiguration(configuration));
                Port.Configure(configuration);
                Stack.Announce();
            }

            _state = after;
            _client.OnNetworkChanged(this, before, after);
        }
    }
}
