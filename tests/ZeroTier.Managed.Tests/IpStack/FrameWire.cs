using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;
using Stack = ZeroTier.Managed.IpStack.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>An Ethernet segment in virtual time that can lose frames and remembers what it carried.</summary>
internal sealed class FrameWire(VirtualClock clock)
{
    private readonly List<Stack> _stacks = [];

    public List<Frame> Frames { get; } = [];

    /// <summary>True loses the frame.</summary>
    public Func<Frame, bool> Lose { get; set; } = static _ => false;

    public Stack Attach(byte number, INeighborResolver? resolver = null, int mtu = 2800)
    {
        var mac = Mac(number);
        var stack = new Stack(new IpStackOptions
        {
            MacAddress = mac,
            Link = new Port(this, mac),
            Resolver = resolver,
            TimeProvider = clock,
            Random = new SeededRandom(number),
            Completions = PipeScheduler.Inline,
        });
        stack.Configure(new IpConfiguration(mtu, [new(V6(number), 64), new(V4(number), 24)]));
        _stacks.Add(stack);
        return stack;
    }

    public static MacAddress Mac(byte number) => new(0x0200_0000_0000UL | number);

    public static IpAddress V6(byte number) => IpAddress.From(System.Net.IPAddress.Parse($"fd00::{number:x}"));

    public static IpAddress V4(byte number) => IpAddress.FromIPv4(0x0a00_0000u | number);

    public void Put(Frame frame)
    {
        Frames.Add(frame);
        if (Lose(frame))
        {
            return;
        }

        clock.Schedule(TimeSpan.FromMilliseconds(1), () =>
        {
            foreach (var stack in _stacks)
            {
                var mac = stack.Options.MacAddress;
                if (mac != frame.Source && (mac == frame.Destination || frame.Destination.IsMulticast))
                {
                    stack.Receive(frame.Source, frame.Destination, frame.EtherType, frame.Payload);
                    stack.EndOfBatch();
                }
            }
        });
    }

    internal sealed record Frame(MacAddress Source, MacAddress Destination, ushort EtherType, byte[] Payload);

    private sealed class Port(FrameWire wire, MacAddress mac) : IFrameLink
    {
        public FrameBatch BeginBatch() => new Batch(wire, mac);

        public int UnfragmentedPayload(MacAddress destination) => 1394;

        public int ExpectedPayload(MacAddress destination) => 1394;

        public void Doubt(MacAddress destination)
        {
        }

        public void Join(MacAddress group)
        {
        }

        public void Leave(MacAddress group)
        {
        }
    }

    private sealed class Batch(FrameWire wire, MacAddress mac) : FrameBatch
    {
        private readonly List<Frame> _committed = [];
        private byte[]? _reserved;
        private bool _sent;

        public override Span<byte> Reserve(int length) => _reserved = new byte[length];

        public override void Commit(MacAddress destination, ushort etherType)
        {
            Assert.NotNull(_reserved);
            Assert.InRange(_reserved.Length, 1, 2800);
            _committed.Add(new Frame(mac, destination, etherType, _reserved));
            _reserved = null;
        }

        public override void Send()
        {
            Assert.False(_sent);
            _sent = true;
            _committed.ForEach(wire.Put);
        }
    }
}
