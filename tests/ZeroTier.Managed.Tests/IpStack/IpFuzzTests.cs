using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Mutated frames: nothing throws, and memory stays bounded.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class IpFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Mutated_frames_neither_throw_nor_pile_up(ulong seed)
    {
        var random = new SeededRandom(seed);
        var clock = new VirtualClock();
        var link = new RecordingLink(keep: false);
        using var stack = link.Stack(FrameWire.Mac(1), clock);
        stack.Configure(new IpConfiguration(2800, [new(FrameWire.V4(1), 24), new(FrameWire.V6(1), 64)]));
        using var socket = stack.BindUdp(null, 9);
        var corpus = Corpus();
        byte[] buffer = new byte[4096];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 30_000; i++)
        {
            var (etherType, seedPacket) = corpus[random.Next(corpus.Count)];
            seedPacket.CopyTo(buffer, 0);
            int length = Mutate(buffer, seedPacket.Length, random);
            Repair(buffer.AsSpan(0, length), etherType, random);
            var destination = random.Chance(0.8) ? FrameWire.Mac(1) : new MacAddress(0x3333_0000_0001);
            stack.Receive(FrameWire.Mac((byte)(2 + random.Next(8))), destination, etherType, buffer.AsSpan(0, length));
            if (i % 16 == 0)
            {
                stack.EndOfBatch();
                clock.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
            }
        }

        Assert.InRange(stack.Neighbors.Count, 0, NeighborCache.MaxEntries);
        Assert.InRange(stack.IpReassembly.BufferedBytes, 0, IpReassembly.MaxBytes);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 16 << 20);

        // It still works.
        byte[] echo = PacketBuilder.Sealed(FrameWire.V6(2), FrameWire.V6(1), IpProtocol.IcmpV6, [128, 0, 0, 0, 0, 0, 0, 0], 2);
        clock.Advance(TimeSpan.FromMinutes(2));
        long sent = link.Count;
        stack.Receive(
            FrameWire.Mac(2),
            FrameWire.Mac(1),
            EtherTypes.IPv6,
            PacketBuilder.Ip(FrameWire.V6(2), FrameWire.V6(1), IpProtocol.IcmpV6, echo));
        Assert.True(link.Count > sent);
    }

    [Fact]
    public void Random_bytes_in_every_parser()
    {
        var random = new SeededRandom(9);
        var clock = new VirtualClock();
        using var stack = new RecordingLink(keep: false).Stack(FrameWire.Mac(1), clock);
        byte[] buffer = new byte[256];
        for (int i = 0; i < 50_000; i++)
        {
            random.Fill(buffer);
            buffer[0] = (byte)(random.Chance(0.5) ? 0x45 + random.Next(3) : 0x60);
            int length = random.Next(buffer.Length);
            _ = QuotedPacket.TryFindTransport(buffer.AsSpan(0, length), out _, out _);
            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv4, buffer.AsSpan(0, length));
            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.IPv6, buffer.AsSpan(0, length));
            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), EtherTypes.Arp, buffer.AsSpan(0, length));
            stack.Receive(FrameWire.Mac(2), FrameWire.Mac(1), (ushort)random.Next(65536), buffer.AsSpan(0, length));
        }
    }

    private static List<(ushort EtherType, byte[] Packet)> Corpus()
    {
        IpAddress us4 = FrameWire.V4(1), us6 = FrameWire.V6(1), them4 = FrameWire.V4(2), them6 = FrameWire.V6(2);
        byte[] udp = PacketBuilder.Udp(them6, us6, 1, 9, 64)[40..];
        byte[] solicitation = [135, 0, 0, 0, 0, 0, 0, 0, .. new byte[16], 1, 1, 2, 0, 0, 0, 0, 2];
        us6.Write(solicitation.AsSpan(8));
        byte[] tcp = [0, 1, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 2, 255, 255, 0, 0, 0, 0, 2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 0, 0];
        byte[] arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1];
        List<(ushort, byte[])> corpus =
        [
            (EtherTypes.IPv6, PacketBuilder.Ip(them6, us6, IpProtocol.Udp, udp)),
            (EtherTypes.IPv6, PacketBuilder.Ip(them6, us6, IpProtocol.FragmentHeader, [17, 0, 0, 1, 0, 0, 0, 1, .. udp])),
            (EtherTypes.IPv6,
                PacketBuilder.Ip(them6, us6, IpProtocol.HopByHopOptions, [43, 0, 1, 4, 0, 0, 0, 0, 17, 1, 0, 0, .. new byte[12], .. udp])),
            (EtherTypes.IPv6, PacketBuilder.Ip(them6, us6, IpProtocol.IcmpV6, solicitation, linkScope: true)),
            (EtherTypes.IPv6, PacketBuilder.Ip(them6, us6, IpProtocol.IcmpV6, [128, 0, 0, 0, .. new byte[60]])),
            (EtherTypes.IPv6, PacketBuilder.Ip(them6, us6, IpProtocol.Tcp, PacketBuilder.Sealed(them6, us6, IpProtocol.Tcp, tcp, 16))),
            (EtherTypes.IPv6, PacketBuilder.PathMtuReport(them4, us4, them6, us6, us6, them6, 1300)),
            (EtherTypes.IPv4, PacketBuilder.PathMtuReport(them4, us4, them6, us6, us4, them4, 1300)),
            (EtherTypes.IPv4, PacketBuilder.Udp(them4, us4, 1, 9, 64)),
            (EtherTypes.IPv4, PacketBuilder.Udp(them4, us4, 1, 8, 64)),
            (EtherTypes.IPv4, PacketBuilder.Ip(them4, us4, IpProtocol.Icmp, [8, 0, 0, 0, .. new byte[60]])),
            (EtherTypes.IPv4, PacketBuilder.Ip(them4, us4, IpProtocol.Tcp, PacketBuilder.Sealed(them4, us4, IpProtocol.Tcp, tcp, 16))),
            (EtherTypes.Arp, arp),
        ];
        corpus.AddRange(RecordedPacketTests.RecordedFrames());
        return corpus;
    }

    private static int Mutate(byte[] buffer, int length, SeededRandom random)
    {
        for (int n = random.Next(5); n > 0; n--)
        {
            switch (random.Next(4))
            {
                case 0:
                    buffer[random.Next(Math.Min(length, 80))] = (byte)random.Next(256);
                    break;
                case 1:
                    buffer[random.Next(length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    length = 1 + random.Next(length);
                    break;
                default:
                    length = Math.Min(buffer.Length, length + random.Next(64));
                    break;
            }
        }

        return length;
    }

    // Most mutations would end at a checksum: put it right again, so that they get further.
    private static void Repair(Span<byte> packet, ushort etherType, SeededRandom random)
    {
        if (random.Chance(0.2))
        {
            return;
        }

        if (etherType == EtherTypes.IPv4 && packet.Length >= 20)
        {
            if (random.Chance(0.2))
            {
                packet[6] = 0x20;
            }

            IpHeader.WriteIPv4Checksum(packet);
            if (packet[9] == 1 && packet.Length >= 28)
            {
                Seal(packet[20..], 2, InternetChecksum.Compute);
            }
        }
        else if (etherType == EtherTypes.IPv6 && packet.Length >= 48 && packet[6] == 58)
        {
            var source = IpAddress.ReadIPv6(packet[8..]);
            var destination = IpAddress.ReadIPv6(packet[24..]);
            Seal(packet[40..], 2, message => InternetChecksum.Transport(source, destination, IpProtocol.IcmpV6, message));
        }
    }

    private static void Seal(Span<byte> message, int at, Func<ReadOnlySpan<byte>, ushort> compute)
    {
        message.Slice(at, 2).Clear();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(message[at..], compute(message));
    }
}
