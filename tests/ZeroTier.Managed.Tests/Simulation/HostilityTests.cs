using System.Buffers.Binary;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>What an outsider, or a member gone bad, throws at a whole node: it stays up, stays small, and goes on serving others.</summary>
[Collection(nameof(AloneInTheProcess))]
public class HostilityTests
{
    private const long MemoryCeiling = 24 * 1024 * 1024;

    [Fact]
    public void Syn_flood_memory_is_bounded_and_others_are_served() => Attack((world, hostile, random) =>
    {
        for (int i = 0; i < 30_000; i++)
        {
            hostile.SendFrame(
                world.Members[0].Id, hostile.Syn(world.Members[0].Id, (ushort)random.Next(65536), 80, (ushort)random.Next(65536)));
            if (i % 200 == 0)
            {
                world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    });

    [Fact]
    public void Fragment_flood_of_ip_packets_memory_is_bounded_and_others_are_served() => Attack((world, hostile, random) =>
    {
        byte[] fragment = new byte[8 + 1200];
        fragment[0] = (byte)IpProtocol.Udp;
        for (int i = 0; i < 20_000; i++)
        {
            // Never the first fragment, always a new packet.
            BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(2), (ushort)((1 + random.Next(40) * 150) << 3 | 1));
            BinaryPrimitives.WriteInt32BigEndian(fragment.AsSpan(4), i);
            hostile.SendFrame(
                world.Members[0].Id, hostile.Packet(world.Members[0].Id, IpProtocol.FragmentHeader, fragment, (ushort)random.Next(65536)));
            if (i % 200 == 0)
            {
                world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    });

    [Fact]
    public void Fragment_flood_of_packets_memory_is_bounded_and_others_are_served() => Attack((world, hostile, random) =>
    {
        var victim = world.Hosts[1].Addresses[0].WithPort(SimulatedWorld.UdpPort);
        byte[] fragment = new byte[1400];
        for (int i = 0; i < 20_000; i++)
        {
            random.Fill(fragment.AsSpan(0, 8));
            for (int k = 0; k < 5; k++)
            {
                fragment[8 + k] = (byte)(world.Members[0].Id.Value >> 8 * (4 - k));
            }

            fragment[13] = 0xff;
            fragment[14] = (byte)(0x20 + random.Next(6) * 0x10 | 1 + random.Next(6));
            hostile.SendRaw(victim, fragment);
            if (i % 200 == 0)
            {
                world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    });

    [Fact]
    public void Mutated_datagrams_nothing_escapes_and_others_are_served() => Attack((world, hostile, random) =>
    {
        // Real traffic of the first phase, bent and sent again.
        var recorded = new List<byte[]>();
        world.Physical.Capture = (in VirtualDatagram datagram) =>
        {
            if (recorded.Count < 400)
            {
                recorded.Add(datagram.Data.ToArray());
            }
        };
        world.Run(() => ServeOneClientAsync(world));
        world.Physical.Capture = null;
        var victim = world.Hosts[1].Addresses[0].WithPort(SimulatedWorld.UdpPort);
        for (int i = 0; i < 20_000; i++)
        {
            hostile.SendRaw(victim, Mutate(recorded[random.Next(recorded.Count)], random));
            if (i % 100 == 0)
            {
                world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    });

    [Fact]
    public void Mutated_frames_of_a_member_nothing_escapes_and_others_are_served() => Attack((world, hostile, random) =>
    {
        var victim = world.Members[0].Id;
        byte[][] packets =
        [
            hostile.Syn(victim, 1000, 80, 1),
            hostile.Packet(victim, IpProtocol.IcmpV6, [128, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
            hostile.Packet(victim, IpProtocol.IcmpV6, [135, 0, 0, 0, 0, 0, 0, 0, .. new byte[16], 1, 1, 1, 2, 3, 4, 5, 6]),
            hostile.Packet(victim, IpProtocol.Udp, [1, 0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]),
            hostile.Packet(victim, IpProtocol.FragmentHeader, [6, 0, 0, 1, 0, 0, 0, 9, .. new byte[40]]),
            hostile.Packet(victim, IpProtocol.HopByHopOptions, [60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0, .. new byte[20]]),
        ];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] packet = Mutate(packets[random.Next(packets.Length)], random);
            var verb = random.Next(10) switch { 0 => Verb.ExtFrame, 1 => (Verb)random.Next(32), _ => Verb.Frame };
            byte[] payload =
            [
                .. BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(SimulatedWorld.Network.Value)),
                0x86,
                0xdd,
                .. packet,
            ];
            hostile.Send(victim, verb, payload.AsSpan(0, random.Next(20) == 0 ? random.Next(payload.Length) : payload.Length));
            if (i % 100 == 0)
            {
                world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    });

    private static void Attack(Action<SimulatedWorld, HostileMember, SeededRandom> attack)
    {
        var world = new SimulatedWorld(seed: 5, members: 2);
        world.Run(world.StartAsync);
        var hostile = new HostileMember(world, identity: 10);
        Assert.True(world.Clock.RunUntil(() => hostile.IsOnline, TimeSpan.FromSeconds(60)), "The hostile node never came online.");
        IZeroTierListener listener = null!;
        world.Run(async () =>
        {
            listener = await world.Members[0].ListenAsync(new ZeroTierEndPoint(SimulatedWorld.Network, 80), SimulatedWorld.InlineTransport);
            _ = ServeAsync(listener);
            await ServeOneClientAsync(world);
        });
        long before = GC.GetTotalMemory(forceFullCollection: true);

        attack(world, hostile, new SeededRandom(5));
        world.Clock.Advance(TimeSpan.FromMilliseconds(100));

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < MemoryCeiling, $"The attack left {grown / 1024} KiB behind.");
        world.Run(() => ServeOneClientAsync(world));
        Assert.All(world.Members, node => Assert.True(node.IsOnline));
        world.Run(hostile.StopAsync);
        world.Stop();
        GC.KeepAlive(listener);
    }

    private static async Task ServeAsync(IZeroTierListener listener)
    {
        while (await listener.AcceptAsync() is { } connection)
        {
            _ = EchoAsync(connection);
        }
    }

    private static async Task EchoAsync(ZeroTierConnection connection)
    {
        await using (connection)
        {
            try
            {
                var result = await connection.Input.ReadAtLeastAsync(4);
                await connection.Output.WriteAsync(result.Buffer.First);
                connection.Input.AdvanceTo(result.Buffer.End);
            }
            catch (ZeroTierException)
            {
                // The hostile node's connections end as they like.
            }
        }
    }

    private static async Task ServeOneClientAsync(SimulatedWorld world)
    {
        await using var connection = await world.Members[1].ConnectAsync(world.EndPointOf(0, 80), SimulatedWorld.InlineTransport);
        await connection.Output.WriteAsync("ping"u8.ToArray());
        var answer = await connection.Input.ReadAtLeastAsync(4);
        Assert.Equal(4, answer.Buffer.Length);
        connection.Input.AdvanceTo(answer.Buffer.End);
    }

    private static byte[] Mutate(byte[] original, SeededRandom random)
    {
        byte[] copy = [.. original];
        switch (random.Next(4))
        {
            case 0:
                return copy[..random.Next(copy.Length + 1)];
            case 1:
                return [.. copy, .. new byte[random.Next(64)]];
            default:
                for (int i = random.Next(4); i >= 0; i--)
                {
                    copy[random.Next(copy.Length)] = (byte)random.Next(256);
                }

                return copy;
        }
    }
}
