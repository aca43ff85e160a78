using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;
using Stack = ZeroTier.Managed.IpStack.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>The end of the line: what leaves is remembered, or only counted.</summary>
internal sealed class RecordingLink(bool keep = true) : IFrameLink
{
    private readonly Batch _batch = new();

    public List<(MacAddress Destination, ushort EtherType, byte[] Payload)> Sent { get; } = [];

    public long Count { get; private set; }

    public FrameBatch BeginBatch()
    {
        _batch.Link = this;
        return _batch;
    }

    public int UnfragmentedPayload(MacAddress destination) => 1394;

    public int ExpectedPayload(MacAddress destination) => 1394;

    public void Doubt(MacAddress destination)
    {
    }

    /// <summary>Groups that are joined, each as often as it is.</summary>
    public List<MacAddress> Groups { get; } = [];

    public void Join(MacAddress group) => Groups.Add(group);

    public void Leave(MacAddress group) => Assert.True(Groups.Remove(group));

    public Stack Stack(MacAddress mac, TimeProvider clock, INeighborResolver? resolver = null) => new(new IpStackOptions
    {
        MacAddress = mac,
        Link = this,
        Resolver = resolver,
        TimeProvider = clock,
        Random = new SeededRandom(mac.Value),
        Completions = PipeScheduler.Inline,
    });

    // One batch at a time is enough for one thread.
    private sealed class Batch : FrameBatch
    {
        private readonly byte[] _buffer = new byte[65536];
        private int _length;

        public RecordingLink? Link { get; set; }

        public override Span<byte> Reserve(int length) => _buffer.AsSpan(0, _length = length);

        public override void Commit(MacAddress destination, ushort etherType)
        {
            Link!.Count++;
            if (Link.Keep)
            {
                Link.Sent.Add((destination, etherType, _buffer[.._length]));
            }
        }

        public override void Send()
        {
        }
    }

    private bool Keep => keep;
}
