using System.Buffers.Binary;
using System.Security.Cryptography;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Rate gates, bounds of tables, collisions, and what is refused.</summary>
public sealed class Vl1GateTests
{
    private static readonly NodeIdentity Root = TestIdentities.All[0];
    private static readonly NodeIdentity Me = TestIdentities.All[1];
    private static readonly NodeIdentity Other = TestIdentities.All[2];
    private static readonly NodeIdentity Third = TestIdentities.All[3];

    [Fact]
    public void Identity_with_a_wrong_proof_of_work_is_ignored()
    {
        using var test = AsRoot();
        byte[] form = new byte[NodeIdentity.BinarySize + NodeIdentity.PrivateKeySize];
        byte[] secret = Convert.FromHexString(Other.ToSecretText()[^128..]);
        Other.WriteTo(form);
        form[0] ^= 1;
        form[NodeIdentity.BinarySize - 1] = NodeIdentity.PrivateKeySize;
        secret.CopyTo(form, NodeIdentity.BinarySize);
        Assert.True(NodeIdentity.TryRead(form, out var forged, out _));
        var stub = new StubPeer(forged, Root, "10.0.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        Assert.Null(test.Node.FindPeer(stub.Id));
        Assert.Empty(test.Take());
        Assert.Equal(1, test.Node.Drops[DropReason.HelloIdentity]);
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Identity_with_an_agreement_key_of_small_order_is_ignored(string agreementKey)
    {
        // Its shared secret is zero with everybody, so that anybody could make the MAC.
        using var test = AsRoot();
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        byte[] hello = stub.Hello(test.Node.Planet);
        Convert.FromHexString(agreementKey).CopyTo(hello, PacketHeader.Size + HelloMessage.IdentityOffset + PacketHeader.AddressSize + 1);
        SessionKeys.FromSessionKey(SHA512.HashData(new byte[32]).AsSpan(0, SessionKeys.SessionKeySize)).Arm(hello, CipherSuite.Poly1305);
        test.Receive(stub.EndPoint, hello);
        Assert.Null(test.Node.FindPeer(stub.Id));
        Assert.Empty(test.Take());
        Assert.Equal(1, test.Node.Drops[DropReason.HelloIdentity]);
    }

    [Fact]
    public void Foreign_identity_at_a_known_address_is_told_so_in_a_cipher_it_reads()
    {
        // The known one has been heard with protocol 12: ZeroTierOne 1.12 would answer with its AES keys.
        byte[] form = new byte[NodeIdentity.BinarySize + NodeIdentity.PrivateKeySize];
        Third.WriteTo(form);
        PacketHeader.WriteAddress(form, Other.Address);
        form[NodeIdentity.BinarySize - 1] = NodeIdentity.PrivateKeySize;
        Convert.FromHexString(Third.ToSecretText()[^128..]).CopyTo(form, NodeIdentity.BinarySize);
        Assert.True(NodeIdentity.TryRead(form, out var collider, out _));
        Assert.Equal(Other.Address, collider.Address);

        using var test = AsRoot();
        var known = new StubPeer(Other, Root, "10.0.0.2");
        known.Introduce(test, test.Node.Planet);
        var stub = new StubPeer(collider, Root, "10.1.0.3");
        test.Take();
        byte[] hello = stub.Hello(test.Node.Planet);
        test.Receive(stub.EndPoint, hello);
        var (verb, payload, suite, _) = Assert.Single(test.TakeFor(stub));
        Assert.Equal((Verb.Error, CipherSuite.Salsa20Poly1305), (verb, suite));
        Assert.Equal([(byte)Verb.Hello, .. hello.AsSpan(0, 8), (byte)ErrorCode.IdentityCollision], payload);
        Assert.Equal(Other, test.Node.FindPeer(Other.Address)!.Identity);
    }

    [Fact]
    public void Collision_reported_by_a_root_for_our_HELLO_is_fatal_other_reports_are_not()
    {
        using var test = AsLeaf();
        var root = new StubPeer(Root, Me, "10.0.0.1");
        var stranger = new StubPeer(Other, Me, "10.0.0.3");
        byte[] hello = test.Take().First(sent => sent.To == root.EndPoint).Data;
        test.Receive(stranger.EndPoint, stranger.Hello(test.Node.Planet));
        byte[] error = [(byte)Verb.Hello, .. hello.AsSpan(0, 8), (byte)ErrorCode.IdentityCollision];
        test.Receive(stranger.EndPoint, stranger.Build(Verb.Error, error));
        byte[] replayed = [(byte)Verb.Hello, 1, 2, 3, 4, 5, 6, 7, 8, (byte)ErrorCode.IdentityCollision];
        test.Receive(root.EndPoint, root.Build(Verb.Error, replayed));
        Assert.Equal(0, test.Client.Collisions);
        test.Receive(root.EndPoint, root.Build(Verb.Error, error));
        Assert.Equal(1, test.Client.Collisions);
    }

    [Fact]
    public void Leaf_never_relays_and_never_asks_for_reserved_addresses()
    {
        using var test = AsLeaf();
        var root = Online(test);
        var stub = new StubPeer(Other, Me, "10.0.0.3");
        test.Receive(stub.EndPoint, stub.Build(Verb.Echo, [1], to: Third.Address));
        byte[] fragment = stub.Build(Verb.Echo, new byte[30], to: Third.Address);
        fragment[Fragments.MarkerOffset] = Fragments.Marker;
        test.Receive(stub.EndPoint, fragment);
        test.Node.Send(NodeId.Parse("ff0001ffff"), Verb.MulticastGather, new byte[30]);
        Assert.Empty(test.Take());
        Assert.Equal(2, test.Node.Drops[DropReason.NotRelayed]);
        Assert.Equal(1, test.Node.Drops[DropReason.NoRoute]);
        Assert.Equal(Root.Address, root.Id);
    }

    [Fact]
    public void Paths_are_learnt_from_replies_only_and_confirmed_once_a_second()
    {
        using var test = AsRoot();
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        Assert.Equal([Verb.Ok, Verb.Hello], test.TakeFor(stub).Select(sent => sent.Verb));
        Assert.Empty(test.Node.FindPeer(stub.Id)!.Paths);
        test.Receive(stub.EndPoint, stub.Build(Verb.Nop, []));
        Assert.Empty(test.Take());
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.Take();
        test.Receive(stub.EndPoint, stub.Build(Verb.Nop, []));
        byte[] hello = Assert.Single(test.Take()).Data;
        test.Receive(stub.EndPoint, stub.Ok([1, 2, 3, 4, 5, 6, 7, 8], Verb.Echo));
        Assert.Empty(test.Node.FindPeer(stub.Id)!.Paths);
        Assert.Equal(1, test.Node.Drops[DropReason.Unexpected]);
        test.Receive(stub.EndPoint, stub.OkHello(hello, test.EndPoint));
        Assert.Equal(stub.EndPoint, Assert.Single(test.Node.FindPeer(stub.Id)!.Paths).EndPoint);
        Assert.Contains((stub.Id, PeerChange.Direct), test.Client.Changes);
    }

    [Fact]
    public void Confirmations_for_forged_sources_are_bounded()
    {
        using var test = AsRoot();
        var stub = new StubPeer(Other, Root, "10.0.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        test.Take();
        for (int i = 0; i < 200; i++)
        {
            test.Receive(Vl1Simulation.EndPoint($"10.7.{i}.9"), stub.Build(Verb.Nop, []));
        }

        Assert.InRange(test.Take().Count, 1, Vl1Limits.UnprovenPlacesPerPeer);
    }

    [Fact]
    public void Addresses_of_our_own_networks_and_of_this_machine_are_never_paths()
    {
        using var test = AsRoot();
        test.Client.Virtual = endPoint => endPoint.ToString().StartsWith("10.9.", StringComparison.Ordinal);
        var stub = new StubPeer(Other, Root, "10.9.0.2");
        test.Receive(stub.EndPoint, stub.Hello(test.Node.Planet));
        Assert.Equal([Verb.Ok], test.TakeFor(stub).Select(sent => sent.Verb));
        foreach (string address in (string[])["127.0.0.1", "169.254.1.1", "224.0.0.1", "0.0.0.0", "fe80::5", "::1"])
        {
            test.Receive(Vl1Simulation.EndPoint(address), stub.Hello(test.Node.Planet));
        }

        Assert.Empty(test.Take());
        Assert.Equal(6, test.Node.Drops[DropReason.Address]);
    }

    [Fact]
    public void Whois_to_a_leaf_and_echo_are_gated_and_credentials_once_a_second()
    {
        using var test = AsLeaf(new KnownPeer(Other, default, []));
        var stub = new StubPeer(Other, Me, "10.0.0.3");
        byte[] whois = new byte[5];
        PacketHeader.WriteAddress(whois, Me.Address);
        test.Receive(stub.EndPoint, stub.Build(Verb.Whois, whois));
        test.Receive(stub.EndPoint, stub.Build(Verb.Whois, whois));
        test.Receive(stub.EndPoint, stub.Build(Verb.Echo, []));
        test.Receive(stub.EndPoint, stub.Build(Verb.Echo, []));
        test.Receive(stub.EndPoint, stub.Build(Verb.NetworkCredentials, []));
        test.Receive(stub.EndPoint, stub.Build(Verb.NetworkCredentials, []));
        Assert.Equal(3, test.Node.Drops[DropReason.RateGate]);
        Assert.Single(test.Client.Packets);
    }

    [Fact]
    public void Config_request_that_nobody_takes_is_answered_with_unsupported_operation()
    {
        using var test = AsRoot(new KnownPeer(Other, default, []));
        var stub = new StubPeer(Other, Root, "10.0.0.3");
        byte[] request = stub.Build(Verb.NetworkConfigRequest, [1, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
        test.Receive(stub.EndPoint, request);
        var (_, payload, _, _) = test.TakeFor(stub).Single(sent => sent.Verb == Verb.Error);
        Assert.Equal([(byte)Verb.NetworkConfigRequest, .. request.AsSpan(0, 8), 5, 1, 2, 3, 4, 5, 6, 7, 8], payload);
    }

    [Fact]
    public void Root_stores_likes_and_answers_gather_without_the_asker()
    {
        using var test = AsRoot(new KnownPeer(Other, default, []), new KnownPeer(Third, default, []));
        byte[] like = [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9];
        byte[] gather = [.. like.AsSpan(0, 8), 0, .. like.AsSpan(8), 0, 0, 0, 32];
        var a = new StubPeer(Other, Root, "10.0.0.3");
        var b = new StubPeer(Third, Root, "10.0.0.4");
        test.Receive(a.EndPoint, a.Build(Verb.MulticastLike, like));
        test.Receive(a.EndPoint, a.Build(Verb.MulticastGather, gather));
        Assert.DoesNotContain(test.TakeFor(a), sent => sent.Verb == Verb.Ok);
        test.Receive(b.EndPoint, b.Build(Verb.MulticastLike, like));
        byte[] request = b.Build(Verb.MulticastGather, gather);
        test.Receive(b.EndPoint, request);
        var (_, payload, _, _) = test.TakeFor(b).Single(sent => sent.Verb == Verb.Ok);
        byte[] address = new byte[5];
        PacketHeader.WriteAddress(address, Other.Address);
        Assert.Equal([(byte)Verb.MulticastGather, .. request.AsSpan(0, 8), .. like, 0, 0, 0, 2, 0, 1, .. address], payload);
        test.Clock.Advance(TimeSpan.FromSeconds(640));
        test.Take();
        test.Receive(b.EndPoint, b.Build(Verb.MulticastGather, gather));
        Assert.DoesNotContain(test.TakeFor(b), sent => sent.Verb == Verb.Ok);
    }

    [Fact]
    public void Held_packets_are_offered_again_when_asked_and_dropped_after_5_seconds()
    {
        using var test = AsLeaf(new KnownPeer(Other, default, []));
        var stub = new StubPeer(Other, Me, "10.0.0.3");
        test.Client.Judge = (_, _) => PacketResult.Hold;
        test.Receive(stub.EndPoint, stub.Build(Verb.Frame, [7]));
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        test.Node.RetryHeld();
        Assert.Equal(2, test.Client.Packets.Count);
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        test.Node.RetryHeld();
        Assert.Equal(2, test.Client.Packets.Count);
        Assert.Equal(1, test.Node.Drops[DropReason.QueueTimeout]);
    }

    [Fact]
    public void Flood_of_strangers_packets_asks_for_a_bounded_number_of_identities()
    {
        using var test = AsLeaf();
        Online(test);
        var random = new SeededRandom(5);
        byte[] junk = new byte[60];
        for (int i = 0; i < 5000; i++)
        {
            random.Fill(junk);
            junk[13] &= 0x7f;
            junk[18] = 0x88;
            PacketHeader.WriteAddress(junk.AsSpan(8), Me.Address);
            test.Receive(Vl1Simulation.EndPoint($"10.{i % 200}.{i / 200}.1"), [.. junk]);
        }

        Assert.InRange(test.Take().Count, 1, Vl1Limits.PendingWhois);
        test.Clock.Advance(TimeSpan.FromSeconds(6));
        test.Take();
        test.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.True(test.Take().Count < 5, "still asking");
    }

    [Fact]
    public void Flood_of_fragments_of_one_source_leaves_room_for_others_and_expires()
    {
        using var test = AsLeaf(new KnownPeer(Other, default, []));
        var stub = new StubPeer(Other, Me, "10.0.0.3");
        byte[] packet = stub.Build(Verb.Frame, new byte[2000], fragmented: true);
        byte[] tail = [.. packet.AsSpan(0, 13), Fragments.Marker, 0x21, 0, .. packet.AsSpan(1432)];
        test.Receive(stub.EndPoint, packet[..1432]);
        var random = new SeededRandom(5);
        byte[] junk = [.. tail];
        for (int i = 0; i < 1000; i++)
        {
            random.Fill(junk.AsSpan(0, 8));
            test.Receive(Vl1Simulation.EndPoint("10.66.0.1"), [.. junk]);
        }

        test.Receive(stub.EndPoint, tail);
        Assert.Equal(2000, test.Client.Frames.Single().Length);
        test.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(
            Vl1Limits.ReassemblyTables * Vl1Limits.ReassemblySlotsPerSource, test.Node.Drops[DropReason.FragmentTimeout]);
    }

    [Fact]
    public void Queued_packets_are_bounded_per_destination_and_leave_in_order_when_the_identity_arrives()
    {
        using var test = AsLeaf();
        var root = Online(test);
        for (int i = 0; i < 100; i++)
        {
            test.Node.Send(Other.Address, Verb.Frame, [(byte)i]);
        }

        byte[] whois = Assert.Single(test.Take()).Data;
        byte[] identity = new byte[NodeIdentity.BinarySize];
        Other.WriteTo(identity);
        test.Receive(root.EndPoint, root.Ok(whois, Verb.Whois, identity));
        var other = new StubPeer(Other, Me, "10.0.0.3");
        var sent = test.TakeFor(other).Where(packet => packet.Verb == Verb.Frame).ToArray();
        Assert.Equal(
            Enumerable.Range(100 - Vl1Limits.QueuedPacketsPerDestination, Vl1Limits.QueuedPacketsPerDestination),
            sent.Select(packet => (int)packet.Payload[0]));
        Assert.All(sent, packet => Assert.Equal(root.EndPoint, packet.To));
    }

    [Fact]
    public void Identities_that_were_not_asked_for_or_come_from_a_leaf_are_not_believed()
    {
        using var test = AsLeaf(new KnownPeer(Third, default, []));
        var root = Online(test);
        var leaf = new StubPeer(Third, Me, "10.0.0.4");
        byte[] identity = new byte[NodeIdentity.BinarySize];
        Other.WriteTo(identity);
        test.Node.Send(TestIdentities.All[5].Address, Verb.Frame, [1]);
        byte[] whois = test.Take().Single(sent => sent.To == root.EndPoint).Data;
        test.Receive(root.EndPoint, root.Ok(whois, Verb.Whois, identity));
        test.Receive(leaf.EndPoint, leaf.Ok(whois, Verb.Whois, identity));
        Assert.Null(test.Node.FindPeer(Other.Address));
    }

    [Fact]
    public void Rendezvous_of_an_unknown_peer_is_acted_on_when_its_identity_arrives()
    {
        using var test = AsLeaf();
        var root = Online(test);
        byte[] payload = new byte[13];
        PacketHeader.WriteAddress(payload.AsSpan(1), Other.Address);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6), 9993);
        payload[8] = 4;
        payload[9] = 10;
        payload[12] = 3;
        test.Receive(root.EndPoint, root.Build(Verb.Rendezvous, payload));
        byte[] whois = Assert.Single(test.Take()).Data;
        byte[] identity = new byte[NodeIdentity.BinarySize];
        Other.WriteTo(identity);
        test.Receive(root.EndPoint, root.Ok(whois, Verb.Whois, identity));
        var sent = test.Take();
        Assert.Equal("10.0.0.3:9993", sent[0].To.ToString());
        Assert.Equal((4, 2), (sent[0].Data.Length, sent[0].Hops));
        Assert.Equal(Verb.Hello, new StubPeer(Other, Me, "10.0.0.3").Open(sent[1].Data).Verb);
        Assert.Equal("10.0.0.3:9993", sent[1].To.ToString());
    }

    [Fact]
    public void Packets_from_unknown_sources_do_not_keep_us_from_looking_up_whom_we_want_to_reach()
    {
        using var test = AsLeaf();
        Online(test);
        for (uint i = 1; i <= 2 * Vl1Limits.PendingWhois; i++)
        {
            byte[] packet = new byte[40];
            PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.DestinationOffset), Me.Address);
            PacketHeader.WriteAddress(packet.AsSpan(PacketHeader.SourceOffset), new NodeId(0x10_0000_0000UL + i));
            packet[PacketHeader.FlagsOffset] = (byte)CipherSuite.Salsa20Poly1305 << 3;
            test.Receive(Vl1Simulation.EndPoint("10.9.0.1"), packet);
        }

        Assert.Equal(Vl1Limits.PendingWhoisForStrangers, test.Take().Count);
        test.Node.Send(Third.Address, Verb.Frame, new byte[20]);
        Assert.Single(test.Take());
    }

    private static NodeUnderTest AsRoot(params KnownPeer[] known) => new(Root, TestPlanet(), "10.0.0.1", known);

    private static NodeUnderTest AsLeaf(params KnownPeer[] known) => new(Me, TestPlanet(), "10.0.0.2", known);

    private static Planet TestPlanet()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        return Planet.Create(9, DateTimeOffset.UnixEpoch.AddYears(50), [new PlanetRoot(Root, [Vl1Simulation.EndPoint("10.0.0.1")])], key);
    }

    // Answers the leaf's first HELLO as its root; the leaf is online and has a path then.
    private static StubPeer Online(NodeUnderTest test)
    {
        var root = new StubPeer(Root, Me, "10.0.0.1");
        byte[] hello = test.Take().First(sent => sent.To == root.EndPoint).Data;
        test.Receive(root.EndPoint, root.OkHello(hello, test.EndPoint));
        Assert.True(test.Node.IsOnline);
        test.Take();
        return root;
    }
}
