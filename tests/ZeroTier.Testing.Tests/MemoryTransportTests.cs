using System.Net;
using ZeroTier.Managed;
using ZeroTier.Testing.Memory;

namespace ZeroTier.Testing.Tests;

/// <summary>The network below the nodes.</summary>
public sealed class MemoryTransportTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);
    private static readonly InetEndPoint s_here = InetEndPoint.From(IPEndPoint.Parse("10.0.0.1:9993"));
    private static readonly InetEndPoint s_there = InetEndPoint.From(IPEndPoint.Parse("10.0.0.2:9993"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Dispose_async_during_a_delivery_waits_for_its_end(int latencyMs)
    {
        using var receiver = new Receiver();
        var transport = new MemoryWire(new TestNetworkOptions { Latency = TimeSpan.FromMilliseconds(latencyMs) }).Open(s_here);
        transport.Start(receiver);
        transport.Enqueue(s_there, new byte[10], 10);
        Assert.True(receiver.Entered.Wait(s_limit, Cancel));
        var end = transport.DisposeAsync().AsTask();
        await Task.WhenAny(end, Task.Delay(100, Cancel));
        Assert.False(end.IsCompleted);
        receiver.Gate.Set();
        await end.WaitAsync(s_limit, Cancel);
        transport.Enqueue(s_there, new byte[10], 10);
        Assert.Equal(1, receiver.Count);
    }

    [Fact]
    public async Task Enqueue_more_than_fits_is_lost_as_with_a_full_socket_buffer()
    {
        const int Size = 64 * 1024;
        const int Fit = 64;
        using var receiver = new Receiver();
        await using var transport = new MemoryWire(new TestNetworkOptions()).Open(s_here);
        transport.Start(receiver);
        transport.Enqueue(s_there, new byte[1], 1);
        Assert.True(receiver.Entered.Wait(s_limit, Cancel));
        for (int i = 0; i < Fit + 10; i++)
        {
            transport.Enqueue(s_there, new byte[Size], Size);
        }

        receiver.Gate.Set();
        Assert.True(SpinWait.SpinUntil(() => receiver.Count >= 1 + Fit, s_limit));

        // Whatever waits in front of this one has come before it.
        transport.Enqueue(s_there, new byte[2], 2);
        Assert.True(SpinWait.SpinUntil(() => receiver.LastLength == 2, s_limit));
        Assert.Equal(1 + Fit + 1, receiver.Count);
    }

    /// <summary>Stays in its first datagram until the test lets it go.</summary>
    private sealed class Receiver : IDatagramReceiver, IDisposable
    {
        private int _count;
        private int _lastLength;

        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Gate { get; } = new();

        public int Count => Volatile.Read(ref _count);

        public int LastLength => Volatile.Read(ref _lastLength);

        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
            Entered.Set();
            Gate.Wait(s_limit);
            Interlocked.Increment(ref _count);
            Volatile.Write(ref _lastLength, datagram.Length);
        }

        public void OnBatchEnd(int socket)
        {
        }

        public void Dispose()
        {
            Entered.Dispose();
            Gate.Dispose();
        }
    }
}
