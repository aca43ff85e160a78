using System.Buffers.Binary;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Controller;

/// <summary>The node's side of a controller: requests in, signed pieces out (docs/protocol/3-vl2.md 3.14). Thread-safe.</summary>
internal sealed class ControllerPort(Vl1Node vl1, RandomSource random, INetworkController controller) : IControllerPort
{
    private const int NetworkIdLength = 8;
    private const int MaxMetadataLength = 1024;

    public NodeIdentity Identity => vl1.Identity;

    public INetworkController Controller => controller;

    /// <summary>A NETWORK_CONFIG_REQUEST. Payload: from the network ID on.</summary>
    public PacketResult OnRequest(Peer peer, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < NetworkIdLength + 2)
        {
            return PacketResult.Ignored;
        }

        var network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(payload));
        int length = BinaryPrimitives.ReadUInt16BigEndian(payload[NetworkIdLength..]);
        ReadOnlySpan<byte> metadata = payload[(NetworkIdLength + 2)..];
        if (network.Controller != vl1.Id || length > metadata.Length || length >= MaxMetadataLength)
        {
            return PacketResult.Ignored;
        }

        controller.OnRequest(new ConfigurationRequestHandle(network, peer, info), metadata[..length]);
        return PacketResult.Accepted;
    }

    public void Reply(in ConfigurationRequestHandle request, ReadOnlyMemory<byte> dictionary)
    {
        foreach (byte[] chunk in Pieces(request.Network, dictionary))
        {
            Answer(request, Verb.Ok, chunk);
        }
    }

    public void Refuse(in ConfigurationRequestHandle request, ErrorCode code, ReadOnlySpan<byte> dictionary = default)
    {
        byte[] data = new byte[1 + NetworkIdLength + (dictionary.IsEmpty ? 0 : 2 + dictionary.Length)];
        data[0] = (byte)code;
        BinaryPrimitives.WriteUInt64BigEndian(data.AsSpan(1), request.Network.Value);
        if (!dictionary.IsEmpty)
        {
            BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(1 + NetworkIdLength), (ushort)dictionary.Length);
            dictionary.CopyTo(data.AsSpan(1 + NetworkIdLength + 2));
        }

        Answer(request, Verb.Error, data);
    }

    public void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary)
    {
        foreach (byte[] chunk in Pieces(network, dictionary))
        {
            vl1.Send(member, Verb.NetworkConfig, chunk);
        }
    }

    public void Revoke(NodeId member, ReadOnlyMemory<byte> revocation) =>
        vl1.Send(member, Verb.NetworkCredentials, CredentialList.EncodeRevocation(revocation.Span));

    // Over the member's own route, not back to where the request came from: an answer is many times longer than the request, and the place is not proven.
    private void Answer(in ConfigurationRequestHandle request, Verb verb, ReadOnlySpan<byte> data)
    {
        byte[] payload = new byte[1 + sizeof(ulong) + data.Length];
        payload[0] = (byte)Verb.NetworkConfigRequest;
        BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(1), request.Info.PacketId);
        data.CopyTo(payload.AsSpan(1 + sizeof(ulong)));
        vl1.Send(request.Peer.Id, verb, payload);
    }

    private IEnumerable<byte[]> Pieces(NetworkId network, ReadOnlyMemory<byte> dictionary)
    {
        ulong updateId = random.NextUInt64();
        return ConfigurationChunk.Issue(vl1.Identity, network, dictionary, updateId == 0 ? 1 : updateId);
    }
}
