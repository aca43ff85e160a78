using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>How often two nodes behind translators get a direct path, for each pair of kinds; the others talk through the root.</summary>
public sealed class NatTests
{
    private const int Runs = 4;

    /// <summary>
    /// The kinds, and in how many of <see cref="Runs"/> runs both sides send directly within half a minute. A symmetric translator shows
    /// each destination another port, so a peer is reached from behind one that takes packets from any port of an address it has sent to,
    /// or whose ports are given in turn, so that they can be guessed.
    /// </summary>
    public static TheoryData<NatKind, NatKind, int> Pairs => new()
    {
        { NatKind.FullCone, NatKind.FullCone, Runs },
        { NatKind.FullCone, NatKind.RestrictedCone, Runs },
        { NatKind.FullCone, NatKind.PortRestrictedCone, Runs },
        { NatKind.FullCone, NatKind.SymmetricSequential, Runs },
        { NatKind.FullCone, NatKind.Symmetric, Runs },
        { NatKind.RestrictedCone, NatKind.RestrictedCone, Runs },
        { NatKind.RestrictedCone, NatKind.PortRestrictedCone, Runs },
        { NatKind.RestrictedCone, NatKind.SymmetricSequential, Runs },
        { NatKind.RestrictedCone, NatKind.Symmetric, Runs },
        { NatKind.PortRestrictedCone, NatKind.PortRestrictedCone, Runs },
        { NatKind.PortRestrictedCone, NatKind.SymmetricSequential, Runs },
        { NatKind.PortRestrictedCone, NatKind.Symmetric, 0 },
        { NatKind.SymmetricSequential, NatKind.SymmetricSequential, 0 },
        { NatKind.SymmetricSequential, NatKind.Symmetric, 0 },
        { NatKind.Symmetric, NatKind.Symmetric, 0 },
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_pair_of_translators_lets_so_many_pairs_of_nodes_talk_directly_and_all_others_through_the_root(
        NatKind first, NatKind second, int direct)
    {
        Assert.Equal(direct, Enumerable.Range(1, Runs).Count(seed => IsDirect(first, second, (ulong)seed)));
    }

    private static bool IsDirect(NatKind first, NatKind second, ulong seed)
    {
        using var net = new Vl1Simulation(seed);
        var planet = net.CreatePlanet("9.0.0.1");
        net.Add(0, planet, "9.0.0.1");
        var client = net.Add(1, planet, net.Network.AddNat(first, "9.0.1.1").AddHost("a", "192.168.1.2"));
        var server = net.Add(2, planet, net.Network.AddNat(second, "9.0.2.1").AddHost("b", "192.168.2.2"));
        net.Advance(2);
        int sent = 0;
        for (; sent < 60; sent++)
        {
            client.SendFrame(server, (byte)sent);
            server.SendFrame(client, (byte)sent);
            net.Advance(0.5);
        }

        // Whatever the way, nothing is lost.
        Assert.Equal(sent, server.Client.Frames.Count());
        Assert.Equal(sent, client.Client.Frames.Count());
        return client.IsDirectTo(server) && server.IsDirectTo(client);
    }
}
