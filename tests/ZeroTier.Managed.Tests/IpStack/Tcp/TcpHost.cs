using System.IO.Pipelines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>A stack on a <see cref="TcpLink"/>.</summary>
internal sealed class TcpHost : IDisposable
{
    public TcpHost(TcpLink link, int number, TcpLayerOptions? options = null, bool ipv6 = false)
    {
        Address = ipv6 ? IpAddress.FromIPv6(((UInt128)0xfd00 << 112) + (uint)number) : IpAddress.FromIPv4(0x0a000000u + (uint)number);
        Mac = new MacAddress(0x0200_0000_0000u + (ulong)number);
        Layer = new TcpLayer(
            link.OutputOf(Mac),
            link.Clock,
            new SeededRandom((ulong)number),
            (options ?? TcpLayerOptions.Default) with { Scheduler = PipeScheduler.Inline });
        link.Add(Address, Layer);
    }

    public IpAddress Address { get; }

    public MacAddress Mac { get; }

    public TcpLayer Layer { get; }

    /// <summary>Everything that a connection could leave behind, but TIME-WAIT, is gone.</summary>
    public void AssertClean()
    {
        Assert.Equal(0, Layer.SocketCount);
        Assert.Equal(0, Layer.ConnectionCount);
        Assert.Equal(0, Layer.HalfOpenCount);
        Assert.Equal(0, Layer.Chunks.Outstanding);
        Assert.Equal(0, Layer.Deadlines.Count);
        Assert.Equal(0, Layer.Stations.Count);
        AssertNoneUnexpected();
    }

    /// <summary>No error of the stack was taken for the end of a connection.</summary>
    public void AssertNoneUnexpected() => Assert.Equal(0, Layer.Statistics[TcpCounter.UnexpectedErrors]);

    public void Dispose()
    {
        Layer.Dispose();
        AssertNoneUnexpected();
    }
}

/// <summary>Two stacks, and what tests do with them.</summary>
internal sealed class TcpPair : IDisposable
{
    public TcpPair(ulong seed = 1, TcpLayerOptions? options = null, bool ipv6 = false)
    {
        Clock = new VirtualClock();
        Link = new TcpLink(Clock, seed);
        A = new TcpHost(Link, 1, options, ipv6);
        B = new TcpHost(Link, 2, options, ipv6);
    }

    public static TimeSpan Minutes { get; } = TimeSpan.FromMinutes(30);

    public VirtualClock Clock { get; }

    public TcpLink Link { get; }

    public TcpHost A { get; }

    public TcpHost B { get; }

    public static PipeOptions InlinePipe(int limit = 1 << 20) => new(
        readerScheduler: PipeScheduler.Inline,
        writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: limit,
        resumeWriterThreshold: limit / 2,
        useSynchronizationContext: false);

    public static TcpSocketOptions Options { get; } = new() { Input = InlinePipe(), Output = InlinePipe(1 << 16) };

    /// <summary>Opens a connection from A to B.</summary>
    public (TcpSocket Client, TcpSocket Server) Connect(TcpSocketOptions? client = null, TcpSocketOptions? server = null, int port = 80)
    {
        using TcpListener listener = B.Layer.Listen(null, port, new TcpListenOptions { Socket = server ?? Options });
        return Clock.Run(
            async () =>
            {
                ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
                TcpSocket connected = await A.Layer.ConnectAsync(A.Address, B.Address, port, client ?? Options, CancellationToken.None);
                return (connected, (await accept)!);
            },
            Minutes);
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}

/// <summary>What applications do with a socket. Bytes follow from their position, so that any loss, repetition or exchange shows.</summary>
internal static class TcpTraffic
{
    public static byte At(long position, int salt) => (byte)(position * 31 + (position >> 8) * 7 + (position >> 16) + salt);

    public static async Task SendAsync(PipeWriter writer, long count, int salt, bool complete = true)
    {
        for (long position = 0; position < count;)
        {
            Memory<byte> memory = writer.GetMemory();
            int length = (int)Math.Min(memory.Length, count - position);
            for (int i = 0; i < length; i++)
            {
                memory.Span[i] = At(position + i, salt);
            }

            writer.Advance(length);
            position += length;
            if ((await writer.FlushAsync()).IsCompleted)
            {
                return;
            }
        }

        if (complete)
        {
            await writer.CompleteAsync();
        }
    }

    /// <summary>Reads to the end and checks each byte.</summary>
    public static async Task<long> ReceiveAsync(PipeReader reader, int salt, Action<long>? onProgress = null)
    {
        long position = 0;
        while (true)
        {
            ReadResult result = await reader.ReadAsync();
            foreach (ReadOnlyMemory<byte> memory in result.Buffer)
            {
                foreach (byte b in memory.Span)
                {
                    if (b != At(position, salt))
                    {
                        throw new InvalidDataException($"Byte {position} is wrong.");
                    }

                    position++;
                }
            }

            reader.AdvanceTo(result.Buffer.End);
            onProgress?.Invoke(position);
            if (result.IsCompleted)
            {
                await reader.CompleteAsync();
                return position;
            }
        }
    }
}
