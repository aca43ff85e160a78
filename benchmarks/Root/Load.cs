using ZeroTier.Managed;
using ZeroTier.Managed.Vl1.Packets;

namespace Root;

/// <summary>A message that the generator sends: one datagram, or a run that one system call sends.</summary>
/// <param name="Data">In a pinned array.</param>
/// <param name="Segment">Bytes of each datagram but the last.</param>
/// <param name="From">The IPv4 address of the sender, in host order.</param>
internal readonly record struct LoadMessage(ReadOnlyMemory<byte> Data, int Segment, uint From)
{
    public int Datagrams => (Data.Length + Segment - 1) / Segment;
}

/// <summary>What is sent in one measure, again and again, each pair in turn.</summary>
/// <param name="Name">Its name in the results.</param>
/// <param name="Pairs">Number of pairs of clients.</param>
/// <param name="Messages">The messages.</param>
/// <param name="AnswerLength">Bytes of the root's answer to each; 0 when the root relays them.</param>
internal sealed record Load(string Name, int Pairs, IReadOnlyList<LoadMessage> Messages, int AnswerLength)
{
    private const int OkHeader = PacketHeader.Size + 9;
    private const int EchoAnswer = OkHeader;
    private const int WhoisAnswer = OkHeader + NodeIdentity.BinarySize;

    // Timestamp and version, an IPv4 endpoint, and that there is no newer planet.
    private const int HelloAnswer = OkHeader + 13 + 7 + 2;

    /// <summary>The kinds of load by name.</summary>
    public static IReadOnlyDictionary<string, Func<ClientSwarm, int, Load>> Kinds { get; } =
        new Dictionary<string, Func<ClientSwarm, int, Load>>
        {
            ["relay_100"] = (swarm, pairs) => Relayed("relay_100", swarm, pairs, 100, 1),
            ["relay_1432"] = (swarm, pairs) => Relayed("relay_1432", swarm, pairs, Fragments.Mtu, 1),
            ["relay_1432_runs"] = (swarm, pairs) => Relayed("relay_1432_runs", swarm, pairs, Fragments.Mtu, 16),
            ["relay_fragments"] = (swarm, pairs) => Relayed("relay_fragments", swarm, pairs, 2 * Fragments.Mtu - Fragments.HeaderSize, 1),
            ["whois"] = (swarm, pairs) => Answered("whois", swarm, pairs, WhoisAnswer, (asker, other) => asker.AskFor(other)),
            ["hello"] = (swarm, pairs) => Answered("hello", swarm, pairs, HelloAnswer, (asker, _) => swarm.HelloOf(asker)),
        };

    /// <summary>The ECHOs of the first pairs' clients.</summary>
    public static Load Keepalives(ClientSwarm swarm, int pairs) => new(
        "keepalives",
        pairs,
        [.. swarm.Pairs(pairs).SelectMany(pair => (Client[])[pair.Sender, pair.Receiver]).Select(client =>
        {
            byte[] packet = client.Echo();
            return new LoadMessage(packet, packet.Length, client.Address);
        })],
        EchoAnswer);

    // A run is as our nodes send it: packets of one size, or the pieces of one packet, with one system call (UDP_SEGMENT).
    private static Load Relayed(string name, ClientSwarm swarm, int pairs, int size, int run)
    {
        var messages = new List<LoadMessage>();
        foreach (var (sender, receiver) in swarm.Pairs(pairs))
        {
            using var keys = sender.AgreeWith(receiver);
            int bytes = Fragments.TotalSize(size, Fragments.Mtu);
            byte[] data = GC.AllocateUninitializedArray<byte>(run * bytes, pinned: true);
            for (int i = 0; i < run; i++)
            {
                var place = data.AsSpan(i * bytes, bytes);
                sender.Write(keys, receiver, size).CopyTo(place);
                Fragments.Cut(place, size, Math.Min(size, Fragments.Mtu));
            }

            messages.Add(new LoadMessage(data, Math.Min(size, Fragments.Mtu), sender.Address));
        }

        return new Load(name, pairs, messages, AnswerLength: 0);
    }

    private static Load Answered(string name, ClientSwarm swarm, int pairs, int answerLength, Func<Client, Client, byte[]> ask) =>
        new(
            name,
            pairs,
            [.. swarm.Pairs(pairs).Select(pair =>
            {
                byte[] packet = ask(pair.Sender, pair.Receiver);
                return new LoadMessage(packet, packet.Length, pair.Sender.Address);
            })],
            answerLength);
}
