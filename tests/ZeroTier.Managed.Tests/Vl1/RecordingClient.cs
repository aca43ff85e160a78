using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>A layer above that writes down what it is told, and judges packets as the test says.</summary>
internal sealed class RecordingClient : IVl1Client
{
    public List<(NodeId From, Verb Verb, byte[] Payload, PacketInfo Info)> Packets { get; } = [];

    public List<bool> Online { get; } = [];

    public List<(NodeId Peer, PeerChange Change)> Changes { get; } = [];

    public List<Planet> Planets { get; } = [];

    public List<Moon> Moons { get; } = [];

    public int Collisions { get; private set; }

    public List<InetEndPoint> Twins { get; } = [];

    public Func<Peer, Verb, PacketResult> Judge { get; set; } = (_, verb) => verb is Verb.Frame or Verb.ExtFrame
        ? PacketResult.Trusted
        : PacketResult.Ignored;

    public Func<InetEndPoint, bool> Virtual { get; set; } = _ => false;

    public IEnumerable<byte[]> Frames => Packets.Where(packet => packet.Verb == Verb.Frame).Select(packet => packet.Payload);

    public PacketResult OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload)
    {
        Packets.Add((peer.Id, verb, payload.ToArray(), info));
        return Judge(peer, verb);
    }

    public void OnBatchEnd()
    {
    }

    /// <summary>Called at each tick.</summary>
    public Action? Ticked { get; set; }

    public void OnTick(long now) => Ticked?.Invoke();

    public void OnOnlineChanged(bool online) => Online.Add(online);

    public void OnPeerChanged(Peer peer, PeerChange change) => Changes.Add((peer.Id, change));

    public void OnIdentityCollision() => Collisions++;

    public void OnTwin(in InetEndPoint endPoint) => Twins.Add(endPoint);

    public void OnPlanetUpdated(Planet planet) => Planets.Add(planet);

    public void OnMoonUpdated(Moon moon) => Moons.Add(moon);

    public bool IsVirtualAddress(in InetEndPoint endPoint) => Virtual(endPoint);
}
