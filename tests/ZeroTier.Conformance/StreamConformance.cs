using System.Buffers;
using System.Net.Sockets;

namespace ZeroTier.Conformance;

/// <summary>The two ends of a connection, as streams.</summary>
/// <param name="Stream">The one under test.</param>
/// <param name="Peer">The other one.</param>
public sealed record StreamPair(Stream Stream, Stream Peer);

/// <summary>
/// What <see cref="NetworkStream"/> does, member by member (rule 6.16). The same table runs over a NetworkStream on loopback TCP, so that
/// it cannot ask for what that does not do, and over the streams of each engine.
/// </summary>
public abstract class StreamConformance : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly List<IAsyncDisposable> _streams = [];

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A read that a dispose ends may end with no bytes instead of an error.</summary>
    protected virtual bool DisposeMayLookLikeTheEnd => false;

    /// <summary>A further connection.</summary>
    protected abstract Task<StreamPair> ConnectAsync();

    public virtual ValueTask InitializeAsync() => default;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var stream in _streams)
        {
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task Rule_6_16_What_it_can_follows_its_life()
    {
        var (stream, _) = await OpenAsync();
        Assert.True(stream.CanRead);
        Assert.True(stream.CanWrite);
        Assert.True(stream.CanTimeout);
        Assert.False(stream.CanSeek);

        await stream.DisposeAsync();

        Assert.False(stream.CanRead);
        Assert.False(stream.CanWrite);
        Assert.False(stream.CanSeek);
    }

    [Fact]
    public async Task Rule_6_16_It_has_no_position()
    {
        var (stream, _) = await OpenAsync();
        Assert.Throws<NotSupportedException>(() => stream.Length);
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.Position = 0);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_16_Dispose_ends_a_read_that_waits(bool asynchronously)
    {
        var (stream, _) = await OpenAsync();
        var reading = stream.ReadAsync(new byte[10], Token).AsTask();
        var copying = (await OpenAsync()).Stream;
        var copy = copying.CopyToAsync(Stream.Null, Token);
        Assert.False(reading.IsCompleted);
        Assert.False(copy.IsCompleted);

        await DisposeAsync(stream, asynchronously);
        await DisposeAsync(copying, asynchronously);

        await EndsByDispose(reading);
        await EndsByDispose(copy);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_16_Dispose_ends_a_write_that_waits(bool asynchronously)
    {
        var (stream, _) = await OpenAsync();
        var writing = await Stall(stream);

        await DisposeAsync(stream, asynchronously);

        await EndsWithIOException(writing);
    }

    [Fact]
    public async Task Rule_6_16_Dispose_frees_the_thread_of_a_blocking_read_or_write()
    {
        var (stream, _) = await OpenAsync();
        using var began = new CountdownEvent(2);
        var reading = Blocking(() =>
        {
            began.Signal();
            Assert.Equal(0, stream.Read(new byte[1], 0, 1));
        });
        var writing = Blocking(() =>
        {
            began.Signal();
            while (true)
            {
                stream.Write(new byte[65536], 0, 65536);
            }
        });
        Assert.True(began.Wait(s_limit, Token));

        // Until the write stands still for sure, or for a moment: either way it must end.
        await Task.Delay(300, Token);
        stream.Dispose();

        await EndsByDispose(reading);
        await EndsWithIOException(writing);
    }

    [Fact]
    public async Task Rule_6_16_After_dispose_it_is_disposed()
    {
        var (stream, _) = await OpenAsync();
        stream.Dispose();
        stream.Dispose();
        await stream.DisposeAsync();
        stream.Close();
        byte[] buffer = new byte[1];

        Assert.Throws<ObjectDisposedException>(() => stream.Read(buffer, 0, 1));
        Assert.Throws<ObjectDisposedException>(() => stream.Read(buffer.AsSpan()));
        Assert.Throws<ObjectDisposedException>(() => stream.ReadByte());
        Assert.Throws<ObjectDisposedException>(() => stream.Write(buffer, 0, 1));
        Assert.Throws<ObjectDisposedException>(() => stream.Write(buffer.AsSpan()));
        Assert.Throws<ObjectDisposedException>(() => stream.WriteByte(1));
        Assert.Throws<ObjectDisposedException>(() => stream.CopyTo(Stream.Null));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(buffer, Token).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(buffer, 0, 1, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.WriteAsync(buffer, Token).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.WriteAsync(buffer, 0, 1, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.CopyToAsync(Stream.Null, Token));
        Assert.Throws<ObjectDisposedException>(() => stream.BeginRead(buffer, 0, 1, null, null));
        Assert.Throws<ObjectDisposedException>(() => stream.BeginWrite(buffer, 0, 1, null, null));
        stream.Flush();
        await stream.FlushAsync(Token);
    }

    [Fact]
    public async Task Rule_6_16_What_was_written_arrives_although_the_stream_is_disposed()
    {
        var (stream, peer) = await OpenAsync();
        byte[] data = Data(40_000);
        await stream.WriteAsync(data, Token);
        stream.Dispose();

        var received = new MemoryStream();
        await peer.CopyToAsync(received, Token).WaitAsync(s_limit, Token);

        Assert.Equal(data, received.ToArray());
    }

    [Fact]
    public async Task Rule_6_16_An_empty_read_waits_for_data_and_takes_none()
    {
        var (stream, peer) = await OpenAsync();
        var empty = stream.ReadAsync(Memory<byte>.Empty, Token).AsTask();
        Assert.False(empty.IsCompleted);

        await peer.WriteAsync(new byte[] { 1, 2 }, Token);

        Assert.Equal(0, await Bounded(empty));
        Assert.Equal(0, await Bounded(stream.ReadAsync(Memory<byte>.Empty, Token).AsTask()));
        Assert.Equal([1, 2], await ReadExactly(stream, 2));
    }

    [Fact]
    public async Task Rule_6_16_An_empty_write_does_nothing()
    {
        var (stream, peer) = await OpenAsync();
        await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, Token);
        stream.Write([], 0, 0);
        await stream.WriteAsync(new byte[] { 7 }, Token);
        Assert.Equal([7], await ReadExactly(peer, 1));
    }

    [Fact]
    public async Task Rule_6_16_At_the_end_of_the_stream_reads_give_nothing_again_and_again()
    {
        var (stream, peer) = await OpenAsync();
        await peer.WriteAsync(new byte[] { 1 }, Token);
        await peer.DisposeAsync();

        Assert.Equal([1], await ReadExactly(stream, 1));
        Assert.Equal(0, await Bounded(stream.ReadAsync(new byte[1], Token).AsTask()));
        Assert.Equal(0, stream.Read(new byte[1], 0, 1));
        Assert.Equal(-1, stream.ReadByte());
        Assert.Equal(0, await Bounded(stream.ReadAsync(Memory<byte>.Empty, Token).AsTask()));
    }

    [Fact]
    public async Task Rule_6_16_A_cancelled_read_leaves_the_stream_as_it_was()
    {
        var (stream, peer) = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => stream.ReadAsync(new byte[1], new CancellationToken(canceled: true)).AsTask());
        using var stop = new CancellationTokenSource();
        var reading = stream.ReadAsync(new byte[1], stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(reading));

        await peer.WriteAsync(new byte[] { 3 }, Token);

        Assert.Equal([3], await ReadExactly(stream, 1));
    }

    [Fact]
    public async Task Rule_6_16_A_write_can_be_cancelled_before_it_begins_and_while_it_waits()
    {
        var (stream, _) = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => stream.WriteAsync(new byte[1], new CancellationToken(canceled: true)).AsTask());
        using var stop = new CancellationTokenSource();
        var writing = await Stall(stream, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(writing));
    }

    [Fact]
    public async Task Rule_6_16_Blocking_reads_and_writes_have_timeouts()
    {
        var (stream, _) = await OpenAsync();
        Assert.Equal(Timeout.Infinite, stream.ReadTimeout);
        Assert.Equal(Timeout.Infinite, stream.WriteTimeout);
        foreach (int wrong in new[] { 0, -2 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => stream.ReadTimeout = wrong);
            Assert.Throws<ArgumentOutOfRangeException>(() => stream.WriteTimeout = wrong);
        }

        stream.ReadTimeout = 50;
        stream.WriteTimeout = 50;
        Assert.Equal(50, stream.ReadTimeout);
        Assert.Equal(50, stream.WriteTimeout);
        await Assert.ThrowsAnyAsync<IOException>(() => Bounded(Blocking(() => _ = stream.Read(new byte[1], 0, 1))));
        await Assert.ThrowsAnyAsync<IOException>(() => Bounded(Blocking(() =>
        {
            while (true)
            {
                stream.Write(new byte[65536], 0, 65536);
            }
        })));
    }

    [Fact]
    public async Task Rule_6_16_Arguments_are_checked()
    {
        var (stream, _) = await OpenAsync();
        byte[] buffer = new byte[10];
        await Throws<ArgumentNullException>(null!, 0, 0);
        await Throws<ArgumentOutOfRangeException>(buffer, -1, 1);
        await Throws<ArgumentOutOfRangeException>(buffer, 11, 0);
        await Throws<ArgumentOutOfRangeException>(buffer, 0, -1);
        await Throws<ArgumentOutOfRangeException>(buffer, 5, 6);
        await Assert.ThrowsAsync<ArgumentNullException>(() => stream.CopyToAsync(null!, Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => stream.CopyToAsync(Stream.Null, 0, Token));
        Assert.ThrowsAny<ArgumentException>(() => stream.EndRead(null!));
        Assert.ThrowsAny<ArgumentException>(() => stream.EndWrite(null!));

        async Task Throws<T>(byte[] bytes, int offset, int count)
            where T : ArgumentException
        {
            Assert.Throws<T>(() => stream.Read(bytes, offset, count));
            Assert.Throws<T>(() => stream.Write(bytes, offset, count));
            await Assert.ThrowsAsync<T>(() => stream.ReadAsync(bytes, offset, count, Token));
            await Assert.ThrowsAsync<T>(() => stream.WriteAsync(bytes, offset, count, Token));
            Assert.Throws<T>(() => stream.BeginRead(bytes, offset, count, null, null));
            Assert.Throws<T>(() => stream.BeginWrite(bytes, offset, count, null, null));
        }
    }

    [Fact]
    public async Task Rule_6_16_Every_form_of_reading_and_writing_carries_bytes()
    {
        var (stream, peer) = await OpenAsync();
        stream.WriteByte(1);
        stream.Write([2], 0, 1);
        stream.Write([(byte)3]);
        await stream.WriteAsync([4], 0, 1, Token);
        await stream.WriteAsync(new byte[] { 5 }, Token);
        stream.EndWrite(stream.BeginWrite([6], 0, 1, null, null));
        Assert.Equal([1, 2, 3, 4, 5, 6], await ReadExactly(peer, 6));

        await peer.WriteAsync(new byte[] { 1, 2, 3, 4, 5, 6 }, Token);
        byte[] one = new byte[1];
        Assert.Equal(1, stream.ReadByte());
        Assert.Equal((1, 2), (stream.Read(one, 0, 1), one[0]));
        Assert.Equal((1, 3), (stream.Read(one.AsSpan()), one[0]));
        Assert.Equal((1, 4), (await stream.ReadAsync(one, 0, 1, Token), one[0]));
        Assert.Equal((1, 5), (await stream.ReadAsync(one, Token), one[0]));
        using var called = new ManualResetEventSlim();
        Assert.Equal((1, 6), (stream.EndRead(stream.BeginRead(one, 0, 1, _ => called.Set(), null)), one[0]));
        Assert.True(called.Wait(s_limit, Token));
    }

    [Fact]
    public async Task Rule_6_16_Reading_and_writing_at_once_is_fine()
    {
        var (stream, peer) = await OpenAsync();
        byte[] data = Data(3_000_000);
        var writing = stream.WriteAsync(data, Token).AsTask();
        var back = peer.WriteAsync(data, Token).AsTask();

        Assert.Equal(data, await ReadExactly(peer, data.Length));
        Assert.Equal(data, await ReadExactly(stream, data.Length));
        await Bounded(writing);
        await Bounded(back);
    }

    [Fact]
    public async Task Rule_6_14_Rule_6_16_Several_writers_take_turns()
    {
        const int Writers = 4;
        const int Writes = 50;
        const int Size = 3000;
        var (stream, peer) = await OpenAsync();
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(
            async () =>
            {
                byte[] data = new byte[Size];
                Array.Fill(data, (byte)writer);
                for (int i = 0; i < Writes; i++)
                {
                    await stream.WriteAsync(data, Token);
                }
            },
            Token)));

        byte[] received = await ReadExactly(peer, Writers * Writes * Size);

        await Bounded(writing);
        Assert.Equal(
            [Writes * Size, Writes * Size, Writes * Size, Writes * Size],
            received.GroupBy(b => b).OrderBy(g => g.Key).Select(g => g.Count()));
    }

    [Fact]
    public async Task Rule_6_14_Rule_6_16_Several_readers_take_turns()
    {
        var (stream, peer) = await OpenAsync();
        byte[] data = Data(1_000_000);
        var reading = Enumerable.Range(0, 3).Select(_ => Task.Run(
            async () =>
            {
                byte[] buffer = new byte[5000];
                long sum = 0;
                for (int n; (n = await stream.ReadAsync(buffer, Token)) > 0;)
                {
                    sum += buffer.AsSpan(0, n).ToArray().Sum(b => (long)b);
                }

                return sum;
            },
            Token)).ToArray();

        await peer.WriteAsync(data, Token);
        await peer.DisposeAsync();

        Assert.Equal(data.Sum(b => (long)b), (await Bounded(Task.WhenAll(reading))).Sum());
    }

    [Fact]
    public async Task Rule_6_16_Dispose_ends_all_that_wait_for_their_turn()
    {
        var (stream, _) = await OpenAsync();
        var reads = Enumerable.Range(0, 3).Select(_ => stream.ReadAsync(new byte[1], Token).AsTask()).ToArray();
        var first = await Stall(stream);
        var second = Writing(stream, Token);

        stream.Dispose();

        foreach (var read in reads)
        {
            await EndsByDispose(read);
        }

        await EndsWithIOException(first);
        await EndsWithIOException(second);
    }

    private async Task<StreamPair> OpenAsync()
    {
        var pair = await Bounded(ConnectAsync());
        _streams.Add(pair.Stream);
        _streams.Add(pair.Peer);
        return pair;
    }

    /// <summary>Writes until nothing more is taken: the peer does not read.</summary>
    private static async Task<Task> Stall(Stream stream, CancellationToken cancellationToken = default)
    {
        long written = 0;
        var writing = Writing(stream, cancellationToken, n => Interlocked.Add(ref written, n));
        for (long before = -1; before != Interlocked.Read(ref written); await Task.Delay(200, Token))
        {
            before = Interlocked.Read(ref written);
        }

        Assert.False(writing.IsCompleted);
        return writing;
    }

    private static async Task Writing(Stream stream, CancellationToken cancellationToken, Action<int>? onWritten = null)
    {
        byte[] data = new byte[65536];
        while (true)
        {
            await stream.WriteAsync(data, cancellationToken);
            onWritten?.Invoke(data.Length);
        }
    }

    private static async Task DisposeAsync(Stream stream, bool asynchronously)
    {
        if (asynchronously)
        {
            await Bounded(stream.DisposeAsync().AsTask());
        }
        else
        {
            stream.Dispose();
        }
    }

    private static Task Blocking(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>As of what was under way: an I/O error. Who had just begun, or begins again, may find the stream disposed.</summary>
    private static async Task EndsWithIOException(Task task)
    {
        var error = await Record.ExceptionAsync(() => Bounded(task));
        Assert.True(error is IOException or ObjectDisposedException, $"Ended with {error?.GetType().Name ?? "success"}: {error?.Message}");
    }

    /// <summary>As above, of a read that a dispose ended.</summary>
    private async Task EndsByDispose(Task read)
    {
        var error = await Record.ExceptionAsync(() => Bounded(read));
        Assert.True(
            error is IOException or ObjectDisposedException || (error is null && DisposeMayLookLikeTheEnd),
            $"Ended with {error?.GetType().Name ?? "success"}: {error?.Message}");
    }

    private static async Task<byte[]> ReadExactly(Stream stream, int count)
    {
        byte[] data = new byte[count];
        await stream.ReadExactlyAsync(data, Token).AsTask().WaitAsync(s_limit, Token);
        return data;
    }

    private static byte[] Data(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    private static Task Bounded(Task task) => task.WaitAsync(s_limit, Token);

    private static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(s_limit, Token);
}
