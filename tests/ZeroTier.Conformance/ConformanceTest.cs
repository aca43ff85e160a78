using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ZeroTier.Conformance;

/// <summary>The base of every suite: a fresh pair for each test, and helpers that never wait for ever.</summary>
/// <typeparam name="TEngine">The engine under test.</typeparam>
public abstract class ConformanceTest<TEngine> : IAsyncLifetime
    where TEngine : IConformanceEngine, new()
{
    /// <summary>No single step takes longer, even on a slow machine. A limit against hanging, not a measure of speed.</summary>
    protected static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _deadline =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private NodePair? _pair;

    protected NodePair Pair => _pair ?? throw new InvalidOperationException("The test has not begun.");

    protected ZeroTierNode Server => Pair.Server;

    protected ZeroTierNode Client => Pair.Client;

    protected NetworkId Network => Pair.Network;

    /// <summary>Cancelled when the test has taken far too long.</summary>
    protected CancellationToken Token => _deadline.Token;

    public async ValueTask InitializeAsync()
    {
        _deadline.CancelAfter(Limit * 2);
        _pair = await new TEngine().StartPairAsync(Token).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_pair is not null)
        {
            await Bounded(_pair.DisposeAsync().AsTask()).ConfigureAwait(false);
        }

        _deadline.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Fails instead of waiting for ever, also when the operation ignores its token.</summary>
    protected static Task Bounded(Task task) => task.WaitAsync(Limit, CancellationToken.None);

    protected static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(Limit, CancellationToken.None);

    protected static Task Bounded(ValueTask task) => Bounded(task.AsTask());

    protected static Task<T> Bounded<T>(ValueTask<T> task) => Bounded(task.AsTask());

    /// <summary>Waits until it is true; the test's deadline bounds it.</summary>
    protected async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10, Token).ConfigureAwait(false);
        }
    }

    protected static async Task<ZeroTierException> Fails(ZeroTierError error, Func<Task> action)
    {
        var exception = await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(action())).ConfigureAwait(false);
        Assert.Equal(error, exception.Error);
        Assert.NotEmpty(exception.Message);
        return exception;
    }

    /// <summary>A node's first address of the pair's family on the network.</summary>
    protected IPAddress AddressOf(ZeroTierNode node) => AddressOf(node, Pair.Family);

    /// <summary>The first address of a node on the network, of a family where it has one.</summary>
    protected IPAddress AddressOf(ZeroTierNode node, AddressFamily family) =>
        node.Networks.Single(n => n.Id == Network).Addresses.Select(a => a.Address)
            .First(a => family == AddressFamily.Unspecified || a.AddressFamily == family);

    protected ZeroTierEndPoint On(ZeroTierNode node, int port) => new(Network, AddressOf(node), port);

    protected Task<IZeroTierListener> Listen(int port = 0, ZeroTierConnectionOptions? options = null) =>
        Bounded(Server.ListenAsync(new ZeroTierEndPoint(Network, port), options ?? ZeroTierConnectionOptions.Default, Token));

    /// <summary>A connection from the client to a listener of the server, both ends.</summary>
    protected async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> Connect(
        IZeroTierListener listener, ZeroTierConnectionOptions? options = null)
    {
        var accepting = Bounded(listener.AcceptAsync(Token));
        var client = await Bounded(
            Client.ConnectAsync(
                On(Server, listener.EndPoint.Port), options ?? ZeroTierConnectionOptions.Default, Token)).ConfigureAwait(false);
        var server = await accepting.ConfigureAwait(false);
        Assert.NotNull(server);
        return (client, server);
    }

    protected async Task<(ZeroTierConnection Client, ZeroTierConnection Server)> Connect()
    {
        await using var listener = await Listen().ConfigureAwait(false);
        return await Connect(listener).ConfigureAwait(false);
    }

    protected async Task Send(ZeroTierConnection connection, ReadOnlyMemory<byte> data) =>
        await Bounded(connection.Output.WriteAsync(data, Token)).ConfigureAwait(false);

    /// <summary>Exactly so many bytes; fails when the stream ends before.</summary>
    protected async Task<byte[]> Receive(ZeroTierConnection connection, int length)
    {
        var result = await Bounded(connection.Input.ReadAtLeastAsync(length, Token)).ConfigureAwait(false);
        Assert.True(result.Buffer.Length >= length, $"The stream ended after {result.Buffer.Length} of {length} bytes.");
        byte[] data = result.Buffer.Slice(0, length).ToArray();
        connection.Input.AdvanceTo(result.Buffer.GetPosition(length));
        return data;
    }

    /// <summary>Reads to the end of the stream.</summary>
    protected async Task<(long Length, string Hash)> ReceiveAll(PipeReader reader)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length = 0;
        while (true)
        {
            var result = await Bounded(reader.ReadAsync(Token)).ConfigureAwait(false);
            foreach (var segment in result.Buffer)
            {
                hash.AppendData(segment.Span);
                length += segment.Length;
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return (length, Convert.ToHexString(hash.GetHashAndReset()));
            }
        }
    }

    /// <summary>Writes so many bytes that follow from the seed, and the end of the stream.</summary>
    protected async Task<string> SendAll(PipeWriter writer, long length, int seed)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(seed);
        while (length > 0)
        {
            var memory = writer.GetMemory(4096);
            int n = (int)Math.Min(Math.Min(length, memory.Length), random.Next(1, 4096));
            random.NextBytes(memory.Span[..n]);
            hash.AppendData(memory.Span[..n]);
            writer.Advance(n);
            length -= n;
            await Bounded(writer.FlushAsync(Token)).ConfigureAwait(false);
        }

        await writer.CompleteAsync().ConfigureAwait(false);
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
