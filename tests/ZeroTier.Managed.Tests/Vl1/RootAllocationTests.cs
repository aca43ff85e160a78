using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>What a root does for each packet of its clients allocates nothing.</summary>
public sealed class RootAllocationTests : IDisposable
{
    private const int Packets = 1000;
    private static readonly NodeIdentity Root = TestIdentities.All[0];
    private readonly Vl1Simulation _net = new();
    private readonly NodeUnderTest _root;
    private readonly StubPeer _a = new(TestIdentities.All[1], Root, "10.0.1.1");
    private readonly StubPeer _b = new(TestIdentities.All[2], Root, "10.0.2.1");

    public RootAllocationTests()
    {
        _root = new NodeUnderTest(Root, _net.CreatePlanet("10.0.0.1"), "10.0.0.1");
        _a.Introduce(_root, _root.Node.Planet);
        _b.Introduce(_root, _root.Node.Planet);

        // The newcomer's first answers are made with the cipher of unknown versions.
        _root.Clock.Advance(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Relayed_packet() => AssertNothing(_a.Build(Verb.Frame, new byte[1000], to: _b.Id), sent: 1);

    [Fact]
    public void Relayed_fragment()
    {
        byte[] fragment = new byte[500];
        PacketHeader.WriteAddress(fragment.AsSpan(PacketHeader.DestinationOffset), _b.Id);
        fragment[Fragments.MarkerOffset] = Fragments.Marker;
        fragment[Fragments.CountOffset] = 2 << 4 | 1;
        AssertNothing(fragment, sent: 1);
    }

    [Fact]
    public void Hello_of_a_known_client() => AssertNothing(_a.Hello(_root.Node.Planet), sent: 1);

    [Fact]
    public void Whois()
    {
        byte[] address = new byte[PacketHeader.AddressSize];
        PacketHeader.WriteAddress(address, _b.Id);
        AssertNothing(_a.Build(Verb.Whois, address), sent: 1);
    }

    public void Dispose()
    {
        _root.Dispose();
        _net.Dispose();
    }

    private void AssertNothing(byte[] packet, int sent)
    {
        _root.Receive(_a.EndPoint, [.. packet]);
        _root.Take();
        _root.Receive(_a.EndPoint, [.. packet]);
        Assert.Equal(sent, _root.Take().Count);

        _root.Transport.Keep = false;
        byte[] copy = new byte[packet.Length];
        long allocated = Allocations.Of(() =>
        {
            for (int i = 0; i < Packets; i++)
            {
                // What is relayed or decrypted changes in place.
                packet.CopyTo(copy, 0);
                _root.Node.OnDatagram(0, _a.EndPoint, copy);
            }
        });
        Assert.Equal(0, allocated);
    }
}
