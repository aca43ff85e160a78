using System.Collections.Concurrent;
using ZeroTier.Managed;

namespace ZeroTier.Testing.Memory;

/// <summary>
/// Connects the transports of one test network: finds the receiver of a datagram, and drops some if configured to. Thread-safe.
/// </summary>
internal sealed class MemoryWire(TestNetworkOptions options)
{
    private readonly ConcurrentDictionary<InetEndPoint, MemoryTransport> _transports = new();

    // Guards _random.
    private readonly Lock _gate = new();
#pragma warning disable RS0030 // Seeded, so that the same datagrams are lost in each run.
    private readonly Random _random = new(options.Seed);
#pragma warning restore RS0030

    /// <summary>The one-way delay of each datagram.</summary>
    public TimeSpan Latency => options.Latency;

    /// <summary>The number of open transports.</summary>
    public int Count => _transports.Count;

    /// <exception cref="ZeroTierException">Another transport is open at the endpoint.</exception>
    public MemoryTransport Open(InetEndPoint endPoint)
    {
        var transport = new MemoryTransport(this, endPoint);
        return _transports.TryAdd(endPoint, transport)
            ? transport
            : throw new ZeroTierException(
                ZeroTierError.Underlay, $"A node of the test network already runs at {endPoint}. Call Configure once for each node.");
    }

    public void Close(MemoryTransport transport) => _transports.TryRemove(new(transport.EndPoint, transport));

    /// <summary>Sends concatenated datagrams of <paramref name="segmentSize"/> bytes; the last may be shorter.</summary>
    public void Send(in InetEndPoint source, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (!_transports.TryGetValue(destination, out var transport))
        {
            return;
        }

        if (options.Loss == 0)
        {
            transport.Enqueue(source, datagrams, segmentSize);
            return;
        }

        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
        {
            var one = datagrams[..Math.Min(segmentSize, datagrams.Length)];
            if (!IsLost())
            {
                transport.Enqueue(source, one, one.Length);
            }
        }
    }

    private bool IsLost()
    {
        lock (_gate)
        {
            return _random.NextDouble() < options.Loss;
        }
    }
}
