using System.Buffers.Binary;
using System.Collections.Concurrent;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>
/// Connects a controller with the node in which it runs: passes requests to it, and sends its answers in signed chunks
/// (docs/protocol/3-vl2.md 3.14). If the node itself is a member of a network, both are passed directly, without packets. Thread-safe.
/// </summary>
/// <param name="vl1">The node.</param>
/// <param name="random">For update IDs.</param>
/// <param name="controller">The controller.</param>
/// <param name="served">The members that may use the multicast directory.</param>
/// <param name="revoked">Called with revocations for networks that the node itself has joined.</param>
internal sealed class ControllerPort(
    Vl1Node vl1, RandomSource random, INetworkController controller, ServedMembers served, Action<Revocation> revoked)
    : IControllerPort
{
    private const int NetworkIdLength = 8;
    private const int MaxRefusalLength = 1024;

    // The configuration sources of networks that the node itself has joined.
    private readonly ConcurrentDictionary<NetworkId, LocalSource> _local = new();
    private readonly RevocationQueue _revocations = new();
    private readonly RequestLimits _limits = new(RequestLimits.OfController, random.NextUInt64());
    private volatile bool _isOpen;

    public NodeIdentity Identity => vl1.Identity;

    public long Now => vl1.Now;

    /// <summary>The node itself requests the configuration of a network.</summary>
    public void Ask(LocalSource source)
    {
        _local[source.Network] = source;
        if (_isOpen)
        {
            // A copy without the private key, since the controller may keep it.
            var identity = NodeIdentity.Parse(vl1.Identity.ToString());
            controller.OnRequest(new ControllerRequest(source.Network, identity, 0, ConfigurationRequest.Metadata()));
        }
    }

    /// <summary>The node has left a network of its own controller.</summary>
    public void Leave(NetworkId network) => _local.TryRemove(network, out _);

    /// <summary>Sends the revocations that are due.</summary>
    public void OnTick(long now)
    {
        foreach (NodeId member in _revocations.Receivers())
        {
            SendRevocations(member, now);
        }
    }

    public void Open()
    {
        _isOpen = true;
        controller.Start(this);
    }

    public void Close()
    {
        if (_isOpen)
        {
            _isOpen = false;
            controller.Stop();
            _revocations.Clear();
        }
    }

    /// <summary>Handles a NETWORK_CONFIG_REQUEST. The payload begins with the network ID.</summary>
    public PacketResult OnRequest(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < NetworkIdLength + 2)
        {
            return PacketResult.Ignored;
        }

        var network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(payload));
        int length = BinaryPrimitives.ReadUInt16BigEndian(payload[NetworkIdLength..]);
        ReadOnlySpan<byte> metadata = payload[(NetworkIdLength + 2)..];
        if (network.Controller != vl1.Id || length > metadata.Length || length > ControllerRequest.MaxMetadataLength)
        {
            return PacketResult.Ignored;
        }

        if (!_isOpen || !_limits.TryTake(peer.Id, vl1.Now))
        {
            // Dropped without an answer, and the member asks again. If it were ignored, VL1 would answer with an ERROR, by which the member
            // concludes that there is no such network.
            return PacketResult.Accepted;
        }

        controller.OnRequest(new ControllerRequest(network, peer.Identity, info.PacketId, metadata[..length].ToArray()));
        return PacketResult.Accepted;
    }

    public void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary)
    {
        ArgumentNullException.ThrowIfNull(request);
        CheckOwn(request.Network);
        CheckDictionary(dictionary);
        if (request.Identity.Address == vl1.Id)
        {
            _local.GetValueOrDefault(request.Network)?.Take(dictionary);
            return;
        }

        served.Add(request.Network, request.Identity.Address, vl1.Now);
        foreach (byte[] chunk in Pieces(request.Network, dictionary))
        {
            Answer(request, Verb.Ok, chunk);
        }
    }

    public void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (dictionary.Length > MaxRefusalLength)
        {
            throw new ArgumentException(
                $"The dictionary has {dictionary.Length} bytes; at most {MaxRefusalLength} are possible.", nameof(dictionary));
        }

        if (request.Identity.Address == vl1.Id)
        {
            _local.GetValueOrDefault(request.Network)?.Fail(reason);
            return;
        }

        byte[] data = new byte[1 + NetworkIdLength + (dictionary.IsEmpty ? 0 : 2 + dictionary.Length)];
        data[0] = (byte)reason;
        BinaryPrimitives.WriteUInt64BigEndian(data.AsSpan(1), request.Network.Value);
        if (!dictionary.IsEmpty)
        {
            BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(1 + NetworkIdLength), (ushort)dictionary.Length);
            dictionary.Span.CopyTo(data.AsSpan(1 + NetworkIdLength + 2));
        }

        Answer(request, Verb.Error, data);
    }

    public void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary)
    {
        CheckOwn(network);
        CheckDictionary(dictionary);
        if (member == vl1.Id)
        {
            _local.GetValueOrDefault(network)?.Take(dictionary);
            return;
        }

        served.Add(network, member, vl1.Now);
        foreach (byte[] chunk in Pieces(network, dictionary))
        {
            Send(member, Verb.NetworkConfig, chunk);
        }
    }

    public void Revoke(NodeId member, ReadOnlyMemory<byte> revocation)
    {
        ReadOnlySpan<byte> rest = revocation.Span;
        if (!Revocation.TryRead(ref rest, out Revocation? read) || !rest.IsEmpty)
        {
            throw new ArgumentException("The bytes are not one revocation.", nameof(revocation));
        }

        CheckOwn(read.Network);
        served.Remove(read.Network, read.Target);
        if (member == vl1.Id)
        {
            revoked(read);
            return;
        }

        if (_isOpen)
        {
            _revocations.Add(member, revocation);
            SendRevocations(member, vl1.Now);
        }
    }

    private void SendRevocations(NodeId member, long now)
    {
        if (_revocations.Take(member, now) is { Count: > 0 } revocations)
        {
            Send(member, Verb.NetworkCredentials, CredentialList.EncodeRevocations(revocations));
        }
    }

    // Sent by the current route to the member, not to the source endpoint of the request: the answer is many times longer than the request,
    // and that endpoint may not be validated (amplification).
    private void Answer(ControllerRequest request, Verb verb, ReadOnlySpan<byte> data)
    {
        byte[] payload = new byte[1 + sizeof(ulong) + data.Length];
        payload[0] = (byte)Verb.NetworkConfigRequest;
        BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(1), request.PacketId);
        data.CopyTo(payload.AsSpan(1 + sizeof(ulong)));
        Send(request.Identity.Address, verb, payload);
    }

    private void Send(NodeId member, Verb verb, ReadOnlySpan<byte> payload)
    {
        if (_isOpen)
        {
            vl1.Send(member, verb, payload);
        }
    }

    private IEnumerable<byte[]> Pieces(NetworkId network, ReadOnlyMemory<byte> dictionary)
    {
        ulong updateId = random.NextUInt64();
        return ConfigurationChunk.Issue(vl1.Identity, network, dictionary, updateId == 0 ? 1 : updateId);
    }

    private void CheckOwn(NetworkId network)
    {
        if (network.Controller != vl1.Id)
        {
            throw new ArgumentException(
                $"Network {network} is not this controller's: its ID does not begin with {vl1.Id}.", nameof(network));
        }
    }

    private static void CheckDictionary(ReadOnlyMemory<byte> dictionary)
    {
        if (dictionary.Length is 0 or > NetworkDictionary.MaxLength)
        {
            throw new ArgumentException(
                $"The configuration has {dictionary.Length} bytes; 1 to {NetworkDictionary.MaxLength} are possible.", nameof(dictionary));
        }
    }
}
