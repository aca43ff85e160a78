using System.Net;
using System.Text.Json;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>What real nodes sent, opened with our code.</summary>
public sealed class TraceTests
{
    [Theory]
    [InlineData("trace-adhoc.json", 114 + 2, 60)]
    [InlineData("trace-relay.json", 123 + 1, 60)]
    [InlineData("vl1-exchanges.json", 60, 30)]
    public void Every_recorded_packet_decodes_to_the_recorded_verb_and_plaintext(string file, int atLeast, int verbsAtLeast)
    {
        var identities = VectorFile.Identities(file);
        var reassembly = new PacketReassembly(new DropCounters());
        var expected = new Dictionary<ulong, JsonElement>();
        int decoded = 0;
        int named = 0;
        foreach (var record in Packets(file))
        {
            byte[] datagram = record.Hex("raw");
            if (record.GetProperty("kind").GetString() is "junk" or "beacon" || record.TryGetProperty("trusted_path_id", out _))
            {
                continue;
            }

            byte[]? packet = datagram;
            int length = datagram.Length;
            ulong id = PacketHeader.PacketId(datagram);
            if (Fragments.IsFragment(datagram) || PacketHeader.IsFragmented(datagram))
            {
                bool head = !Fragments.IsFragment(datagram);
                if (head)
                {
                    expected[id] = record;
                }

                int marks = datagram[Fragments.CountOffset];
                bool complete = head
                    ? reassembly.TableOf(id).TryComplete(id, 0, 0, default, datagram, 0, out packet, out length, out _)
                    : reassembly.TableOf(id).TryComplete(
                        id, marks & 15, marks >> 4, default, datagram.AsSpan(Fragments.HeaderSize), 0, out packet, out length, out _);
                if (!complete)
                {
                    continue;
                }
            }
            else
            {
                expected[id] = record;
            }

            var want = expected[id];
            var source = identities[want.GetProperty("zt_source").GetString()!];
            var destination = identities[want.GetProperty("zt_dest").GetString()!];
            using var keys = SessionKeys.Agree(destination, source)!;
            var open = packet.AsSpan(0, length);
            Assert.True(keys.TryOpen(open), $"{file} {want}");
            decoded++;
            if (!want.TryGetProperty("payload", out _))
            {
                continue;
            }

            named++;
            byte verb = open[PacketHeader.VerbOffset];
            Assert.Equal(want.Hex("verb_byte")[0], verb);
            var payload = Plaintext(open, keys, verb);
            Assert.Equal(Convert.ToHexStringLower(want.Hex("payload")), Convert.ToHexStringLower(payload));
        }

        Assert.True(decoded >= atLeast, $"{decoded} decoded");
        Assert.True(named >= verbsAtLeast, $"{named} named");
    }

    [Theory]
    [InlineData("trace-adhoc.json", "server")]
    [InlineData("trace-adhoc.json", "client")]
    [InlineData("trace-relay.json", "server")]
    [InlineData("trace-relay.json", "client")]
    public void A_node_that_is_fed_the_trace_hands_up_the_recorded_frames(string file, string role)
    {
        var identities = VectorFile.Identities(file);
        var client = new RecordingClient();
        var clock = new VirtualClock();
        var transport = new RecordingTransport(new InetEndPoint[] { Vl1Simulation.EndPoint("10.9.2.2", 9994) });
        var node = new Vl1Node(new Vl1NodeOptions
        {
            Identity = identities[role],
            Planet = Planet.Parse(VectorFile.Json(file).Hex("planet_hex")),
            Transport = transport,
            Client = client,
            TimeProvider = clock,
            Random = new SeededRandom(1),
            KnownPeers = [.. identities.Values.Select(identity => new KnownPeer(identity, default, []))],
        });
        node.Start();
        var expected = new List<string>();
        foreach (var record in Packets(file))
        {
            if (record.GetProperty("zt_dest", null) != role || record.GetProperty("to").GetString() != role)
            {
                continue;
            }

            var time = TimeSpan.FromSeconds(record.GetProperty("t").GetDouble());
            if (time > clock.Elapsed)
            {
                clock.Advance(time - clock.Elapsed);
            }

            string source = record.GetProperty("udp").GetString()!.Split(" > ")[0].Replace('/', ':');
            node.OnDatagram(0, InetEndPoint.From(IPEndPoint.Parse(source)), record.Hex("raw"));
            bool whole = record.GetProperty("kind").GetString() == "packet";
            if (record.GetProperty("verb", null) is "FRAME" && (whole || HasAllFragments(file, record)))
            {
                expected.Add(record.GetProperty("payload").GetString()!);
            }
        }

        Assert.NotEmpty(expected);
        Assert.Equal(expected.Order(), client.Frames.Select(Convert.ToHexStringLower).Order());
        Assert.Equal(0, node.Drops[DropReason.Mac]);
        Assert.Equal(0, node.Drops[DropReason.Internal]);
        node.Dispose();
    }

    internal static IEnumerable<JsonElement> Packets(string file)
    {
        var root = VectorFile.Json(file);
        return root.TryGetProperty("packets", out var packets)
            ? packets.EnumerateArray()
            : root.GetProperty("scenarios").EnumerateArray()
                .SelectMany(scenario => scenario.GetProperty("steps").EnumerateArray())
                .SelectMany(step => step.GetProperty("packets").EnumerateArray());
    }

    private static bool HasAllFragments(string file, JsonElement head) => Packets(file).Any(record =>
        record.GetProperty("kind").GetString() == "fragment"
        && record.GetProperty("packet_id", null) == head.GetProperty("packet_id", null)
        && record.GetProperty("to").GetString() == head.GetProperty("to").GetString());

    private static byte[] Plaintext(Span<byte> packet, SessionKeys keys, byte verb)
    {
        var payload = packet[PacketHeader.Size..];
        if ((verb & PacketHeader.CompressedFlag) != 0)
        {
            byte[] buffer = new byte[PacketHeader.MaxPayloadSize];
            Assert.True(Lz4Block.TryDecode(payload, buffer, out int length));
            return buffer[..length];
        }

        if ((Verb)verb == Verb.Hello)
        {
            Assert.True(payload[0] < PeerVersion.MinProtocol || HelloMessage.TryRead(payload, out _));
            int at = HelloMessage.IdentityOffset + NodeIdentity.BinarySize;
            if (payload.Length > at && WireAddress.TryRead(payload[at..], out _, out int length) && payload.Length >= at + length + 16)
            {
                keys.CryptHelloTail(packet, PacketHeader.Size + at + length + 16);
            }
        }

        return payload.ToArray();
    }
}

internal static class JsonElementExtensions
{
    /// <summary>A string property, or the fallback when it is missing or null.</summary>
    public static string? GetProperty(this JsonElement element, string name, string? fallback) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : fallback;
}
