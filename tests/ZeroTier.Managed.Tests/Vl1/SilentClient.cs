using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>A node without VL2: answers every packet alike and notices nothing.</summary>
internal sealed class SilentClient(PacketResult answer = PacketResult.Ignored) : IVl1Client
{
    public PacketResult OnPacket(Peer peer, Verb verb, in PacketInfo info, ReadOnlySpan<byte> payload) => answer;

    public void OnBatchEnd()
    {
    }

    public void OnTick(long now)
    {
    }

    public void OnOnlineChanged(bool online)
    {
    }

    public void OnPeerChanged(Peer peer, PeerChange change)
    {
    }

    public void OnIdentityCollision()
    {
    }

    public void OnTwin(in InetEndPoint endPoint)
    {
    }

    public void OnPlanetUpdated(Planet planet)
    {
    }

    public bool IsVirtualAddress(in InetEndPoint endPoint) => false;
}
