using BenchmarkDotNet.Attributes;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.Tests.IpStack.Tcp;

namespace Micro.IpStack;

/// <summary>
/// TCP between two stacks without a layer below: from the writer's pipe to the reader's, including checksums and acknowledgements.
/// </summary>
[MemoryDiagnoser]
public class SegmentBenchmarks : IDisposable
{
    private const int Segment = 1322;

    private readonly BlockPool _pool = new();
    private QuietWire? _wire;

    [GlobalSetup]
    public void Setup() => _wire = new QuietWire(_pool, RandomSource.System);

    [GlobalCleanup]
    public void Dispose()
    {
        _wire?.Dispose();
        _wire = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Produces one data segment per operation.</summary>
    [IterationSetup(Target = nameof(Produce))]
    public void BeforeProduce() => Settle();

    [Benchmark(OperationsPerInvoke = 8)]
    public void Produce()
    {
        for (int i = 0; i < 8; i++)
        {
            QuietWire.Write(_wire!.Client, Segment);
        }
    }

    /// <summary>Receives and reads one data segment per operation.</summary>
    [IterationSetup(Target = nameof(Receive))]
    public void BeforeReceive()
    {
        Settle();
        for (int i = 0; i < 8; i++)
        {
            QuietWire.Write(_wire!.Client, Segment);
        }
    }

    [Benchmark(OperationsPerInvoke = 8)]
    public long Receive()
    {
        _wire!.DeliverToServer();
        return QuietWire.Read(_wire.Server);
    }

    /// <summary>Transfers one segment per operation, with its share of the acknowledgements.</summary>
    [Benchmark(OperationsPerInvoke = 20)]
    public long Bulk()
    {
        QuietWire.Write(_wire!.Client, 20 * Segment);
        _wire.Pump();
        return QuietWire.Read(_wire.Server);
    }

    /// <summary>A request and a response of 100 bytes each.</summary>
    [Benchmark]
    public long PingPong()
    {
        QuietWire.Write(_wire!.Client, 100);
        _wire.Pump();
        QuietWire.Write(_wire.Server, 100);
        _wire.Pump();
        return QuietWire.Read(_wire.Server) + QuietWire.Read(_wire.Client);
    }

    private void Settle()
    {
        _wire!.Pump();
        while (QuietWire.Read(_wire.Server) > 0)
        {
        }
    }
}
