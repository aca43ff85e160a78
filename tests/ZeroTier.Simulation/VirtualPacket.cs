using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>A datagram under way; an event of the clock that runs when it arrives. Pooled by its network.</summary>
internal sealed class VirtualPacket(VirtualNetwork network) : IVirtualEvent
{
    public byte[] Buffer { get; private set; } = new byte[2048];

    public int Length { get; private set; }

    public Span<byte> Data => Buffer.AsSpan(0, Length);

    public InetEndPoint Source { get; set; }

    public InetEndPoint Destination { get; set; }

    /// <summary>Where the destination address is looked up on arrival.</summary>
    public VirtualRealm? Realm { get; set; }

    /// <summary>Routers that it may still pass.</summary>
    public int Hops { get; set; }

    public void Fill(ReadOnlySpan<byte> data)
    {
        if (Buffer.Length < data.Length)
        {
            Buffer = new byte[data.Length];
        }

        data.CopyTo(Buffer);
        Length = data.Length;
    }

    public void Run(int version)
    {
        // Translators decide on arrival, not on sending: a mapping opened meanwhile counts.
        while (Realm!.FindNat(Destination) is { } nat)
        {
            if (!nat.TryInbound(Source, Destination, out var inside))
            {
                network.Finish(this, DatagramFate.Unreachable);
                return;
            }

            if (--Hops <= 0)
            {
                network.Finish(this, DatagramFate.Expired);
                return;
            }

            Destination = inside;
            Realm = nat.Inside;
        }

        if (Realm.FindHost(Destination)?.FindSocket(Destination) is { } socket)
        {
            socket.Arrive(this);
        }
        else
        {
            network.Finish(this, DatagramFate.Unreachable);
        }
    }
}
