using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Managed.Vl1;

internal sealed partial class Vl1Node
{
    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram) => Traffic.AddReceived(datagram.Length);

    public void OnBatchEnd(int socket) => _client.OnBatchEnd();

    internal void Enqueue(NodeId destination, Verb verb, ReadOnlySpan<byte> payload) => Drops.Add(DropReason.NoRoute);

    private void OnTick()
    {
        _lastPingCheck = _lastHousekeeping = _lastBeaconAnswer = Now;
        (_relay, _bestUpstream, _isRoot, _isOnline, _loopbackOnly) = (null, null, false, false, false);
    }

    private void UsePlanet(Planet planet) => _planet = planet;

    private void Whois(NodeId id, long now) => _whois.Request(id, now, out _);

    private Peer? FindOrRecall(NodeId id) => FindPeer(id);

    private void EmitOk(Peer peer, in PacketInfo request, Verb requestVerb, ReadOnlySpan<byte> data) => Drops.Add(DropReason.NoRoute);

    private void EmitError(Peer peer, in PacketInfo request, Verb requestVerb, ErrorCode code, ReadOnlySpan<byte> data) => Drops.Add(DropReason.NoRoute);

    private void Retry(Peer? peer) => Drops.Add(DropReason.NoRoute);

    private bool IsUsable(in InetEndPoint endPoint) => _loopbackOnly ? IpScopes.IsLoopback(endPoint) : IpScopes.IsUsableForPath(endPoint);
}
