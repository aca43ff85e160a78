using System.Buffers.Binary;
using System.Globalization;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Configuration of networks with a controller: requests it until the controller answers, then again every minute, and accepts pushed
/// configurations (docs/protocol/3-vl2.md 3.3).
/// </summary>
internal sealed class ControllerSource : IConfigurationSource
{
    private const int NetworkIdLength = 8;

    /// <summary>An unanswered or refused request is repeated after this many milliseconds (3.3.1).</summary>
    private const long RequestInterval = 5_000;

    /// <summary>
    /// The configuration is requested again after this many milliseconds; controllers also use that to see which members are online.
    /// </summary>
    private const long RefreshInterval = 60_000;

    // Limits chunks that other nodes than the controller forward, since each costs a signature check.
    private static readonly TokenRate RelayedPieces = new(Burst: 64, PerSecond: 8);

    private readonly NetworkId _network;
    private readonly NodeId _controller;
    private readonly ControllerSourceOptions _options;
    private readonly Vl1Node _vl1;
    private readonly Lock _gate = new();

    // Held from the comparison with the configuration in force to the change of it, so that of two the newer stays. Taken before _gate.
    private readonly Lock _applying = new();
    private readonly ConfigurationAssembly _assembly = new();
    private TokenBucket _relayedPieces;
    private IConfigurationSink? _sink;
    private NetworkFailure? _failure;
    private ulong _unsignedUpdates;
    private long _requested = long.MinValue;
    private long _updated = long.MinValue;

    public ControllerSource(NetworkId network, Vl1Node vl1, ControllerSourceOptions options)
    {
        _network = network;
        _controller = network.Controller ?? throw new ArgumentException("An ad-hoc network has no controller.", nameof(network));
        _vl1 = vl1;
        _options = options;
    }

    public void Start(IConfigurationSink network)
    {
        _sink = network;

        // The stored configuration is in force until the controller answers; it is requested immediately (3.13).
        if (!_options.Stored.IsEmpty && TryRead(_options.Stored.Span, out NetworkConfiguration? stored))
        {
            network.Apply(stored);
        }

        Request(_vl1.Now);
    }

    public void OnTick(long now)
    {
        lock (_gate)
        {
            if (_sink is null || (_requested != long.MinValue && now - _requested < RequestInterval) ||
                (_failure is null && _updated != long.MinValue && now - _updated < RefreshInterval))
            {
                return;
            }
        }

        Request(now);
    }

    public void Refresh()
    {
        lock (_gate)
        {
            _updated = long.MinValue;
        }
    }

    private bool MayTakeRelayedPiece()
    {
        lock (_gate)
        {
            return _relayedPieces.TryTake(RelayedPieces, _vl1.Now);
        }
    }

    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk)
    {
        if (!ConfigurationChunk.TryRead(chunk, Interlocked.Increment(ref _unsignedUpdates) | 1UL << 63, out ConfigurationChunk piece))
        {
            return PacketResult.Ignored;
        }

        if (piece.IsSigned)
        {
            if (peer.Id != _controller && !MayTakeRelayedPiece())
            {
                return PacketResult.Ignored;
            }

            if (_vl1.FindIdentity(_controller) is not { } controller)
            {
                return PacketResult.Hold;
            }

            if (!controller.Verify(piece.Signed, piece.Signature))
            {
                return PacketResult.Ignored;
            }
        }
        else if (peer.Id != _controller)
        {
            return PacketResult.Ignored;
        }

        byte[]? text;
        bool isNew;
        lock (_gate)
        {
            isNew = _assembly.Add(piece, out text);
        }

        if (isNew && piece.IsToBePassedOn)
        {
            PassOn(peer.Id, chunk);
        }

        if (text is not null && Take(text) && isPushed)
        {
            Confirm(peer, info, piece.UpdateId);
        }

        return PacketResult.Accepted;
    }

    public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data)
    {
        // Accepted only from the controller, and only in reply to a request of ours (3.17).
        if (peer.Id != _controller || !_vl1.ExpectedReplies.Contains(requestId, peer.Id) || Failure(code, data) is not { } failure)
        {
            return PacketResult.Ignored;
        }

        lock (_gate)
        {
            if (failure == _failure)
            {
                return PacketResult.Accepted;
            }

            _failure = failure;
        }

        _sink?.Fail(failure);
        return PacketResult.Accepted;
    }

    private void Request(long now)
    {
        ulong revision = 0, timestamp = 0;
        if (_sink?.Configuration is { } current)
        {
            (revision, timestamp) = (current.Revision, current.Timestamp);
        }

        lock (_gate)
        {
            _requested = now;
        }

        _vl1.Send(_controller, Verb.NetworkConfigRequest, ConfigurationRequest.Encode(_network, revision, timestamp));
    }

    private bool Take(byte[] text)
    {
        if (!TryRead(text, out NetworkConfiguration? configuration))
        {
            return false;
        }

        lock (_applying)
        {
            // An older configuration is a replay: whoever has recorded it could bring back former rules or addresses.
            if (_sink?.Configuration is { } current && configuration.Timestamp < current.Timestamp)
            {
                return false;
            }

            lock (_gate)
            {
                _updated = _vl1.Now;
                _failure = null;
            }

            _sink?.Apply(configuration);
            return true;
        }
    }

    private bool TryRead(
        ReadOnlySpan<byte> text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NetworkConfiguration? configuration) =>
        NetworkConfigurationReader.TryRead(text, _options.Random, out configuration, out NodeId issuedTo)
        && configuration.Id == _network
        && issuedTo == _vl1.Id;

    private void PassOn(NodeId source, ReadOnlySpan<byte> chunk)
    {
        foreach (NodeId member in _options.KnownMembers())
        {
            if (member != source && member != _controller)
            {
                _vl1.Send(member, Verb.NetworkConfig, chunk);
            }
        }
    }

    // Acknowledges a pushed configuration. As in ZeroTierOne 1.12, the quoted verb is 8, not NETWORK_CONFIG (3.3.4).
    private void Confirm(Peer peer, in PacketInfo info, ulong updateId)
    {
        Span<byte> data = stackalloc byte[NetworkIdLength + sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(data, _network.Value);
        BinaryPrimitives.WriteUInt64BigEndian(data[NetworkIdLength..], updateId);
        _vl1.ReplyOk(peer, info, (Verb)0x08, data);
    }

    private NetworkFailure? Failure(ErrorCode code, ReadOnlySpan<byte> data) => code switch
    {
        ErrorCode.ObjectNotFound or ErrorCode.UnsupportedOperation => new(ZeroTierNetworkStatus.NotFound, string.Create(
            CultureInfo.InvariantCulture,
            $"Node {_controller}, the controller of network {_network}, knows no such network. Check the network ID: its first ten digits "
            + $"name the controller.")),
        ErrorCode.AccessDenied => new(ZeroTierNetworkStatus.AccessDenied, string.Create(
            CultureInfo.InvariantCulture,
            $"Node {_vl1.Id} is not authorised on network {_network}. Authorise it at the network's controller (node {_controller}), for "
            + $"example on the members page of its website; this node then becomes ready by itself.")),
        ErrorCode.AuthenticationRequired => Authentication(data),
        _ => null,
    };

    private NetworkFailure? Authentication(ReadOnlySpan<byte> data)
    {
        string? url = LoginUrl(data);
        return new NetworkFailure(ZeroTierNetworkStatus.AuthenticationRequired, string.Create(
            CultureInfo.InvariantCulture,
            $"Network {_network} wants a person to log in for node {_vl1.Id}: "
            + $"{(url is null ? $"ask the operator of its controller (node {_controller})" : $"open {url}")}."))
        {
            LoginUrl = url,
        };
    }

    // 3.3.3: network ID, then the length of a dictionary, and the dictionary; both may be missing.
    private static string? LoginUrl(ReadOnlySpan<byte> data)
    {
        const int MaxUrlLength = 2048;
        if (data.Length < NetworkIdLength + 2
            || BinaryPrimitives.ReadUInt16BigEndian(data[NetworkIdLength..]) is var length && data.Length < NetworkIdLength + 2 + length)
        {
            return null;
        }

        var dictionary = new NetworkDictionary(data.Slice(NetworkIdLength + 2, length));
        byte[]? url = dictionary.GetNumber("aV"u8) == 0 ? dictionary.Find("aU"u8) : dictionary.Find("aCU"u8) ?? dictionary.Find("iU"u8);
        return url is null ? null : NetworkConfigurationReader.ReadText(url, MaxUrlLength);
    }
}
