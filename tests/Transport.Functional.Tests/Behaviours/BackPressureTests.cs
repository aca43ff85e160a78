using System.Security.Cryptography;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>A side that does not read stops the other one, within bounds, and nothing is lost.</summary>
public abstract class BackPressureTests(FunctionalTransport transport)
{
    private const int Pause = 4;
    private const int BlockSize = 4096;

    // The read buffer, what is on the way into it, and Kestrel's own few blocks.
    private const int MostBlocks = 4 * 1024 * 1024 / BlockSize;

    [Theory]
    [InlineData(100_000_000, 1024 * 1024)]
    [InlineData(30_000_000, 16 * 1024)]
    public async Task Rule_6_5_An_upload_to_a_handler_that_reads_late_stops_at_the_buffer_and_arrives_whole(long length, int buffer)
    {
        var read = new Signal();
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context =>
            {
                await read.WaitAsync();
                await context.Response.WriteAsync(await Pattern.HashAsync(context.Request.Body));
            },
            options =>
            {
                options.MaxReadBufferSize = buffer;
                options.Kestrel = kestrel =>
                {
                    kestrel.Limits.MaxRequestBodySize = null;
                    kestrel.Limits.MaxRequestBufferSize = buffer;
                    kestrel.Limits.MaxRequestLineSize = kestrel.Limits.MaxRequestHeadersTotalSize = 1024;
                    kestrel.Limits.MinRequestBodyDataRate = null;
                };
            });
        await using var client = await server.ConnectAsync();
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        var counted = new CountingStream(client.Stream);
        var upload = Task.Run(() => Pattern.WriteAsync(counted, length));
        await Wait.UntilAsync(() => server.ConnectionEvents.Contains(Pause), "the connection paused");
        await Wait.UntilStillAsync(() => counted.Written);
        Assert.True(counted.Written < length, "Everything went through although nobody read.");

        // Once it reads, the window follows its pace.
        Assert.InRange(server.Blocks.Peak, 1, MostBlocks);

        // Long enough that the client has to probe the closed window.
        await Task.Delay(TimeSpan.FromSeconds(1));
        read.Set();
        Assert.Equal(Pattern.Hash(length), (await client.ReadResponseAsync()).Body);
        await upload.LimitedAsync();
    }

    [Fact]
    public async Task Rule_6_5_A_download_to_a_client_that_reads_late_stops_at_the_buffer_and_arrives_whole()
    {
        const int length = 50_000_000;
        long written = 0;
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            byte[] chunk = new byte[100_000];
            for (long offset = 0; offset < length; offset += chunk.Length)
            {
                Pattern.Fill(chunk, offset);
                await connection.Transport.Output.WriteAsync(chunk);
                Volatile.Write(ref written, offset + chunk.Length);
            }
        });
        await using var client = await server.ConnectAsync();
        await Wait.UntilStillAsync(() => Volatile.Read(ref written));
        Assert.True(Volatile.Read(ref written) < length, "Everything went through although nobody read.");
        Assert.InRange(server.Blocks.Rented, 1, MostBlocks);
        Assert.Equal(Pattern.Hash(length), Convert.ToHexString(await SHA256.HashDataAsync(client.Stream)));
    }

    [Fact]
    public async Task Rule_6_4_Without_a_read_limit_everything_is_taken_although_nobody_reads()
    {
        const int length = 5_000_000;
        var read = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(
            transport,
            async connection =>
            {
                await read.WaitAsync();
                long total = 0;
                while (total < length)
                {
                    var result = await connection.Transport.Input.ReadAsync();
                    total += result.Buffer.Length;
                    connection.Transport.Input.AdvanceTo(result.Buffer.End);
                }
            },
            options => options.MaxReadBufferSize = null);
        await using var client = await server.ConnectAsync();
        await Pattern.WriteAsync(client.Stream, length).LimitedAsync();
        await Wait.UntilAsync(() => server.Blocks.Rented > length / BlockSize, "all of it waits in blocks");
        Assert.DoesNotContain(Pause, server.ConnectionEvents);
        read.Set();
        Assert.Equal(("", Ending.Fin), await client.ReadToEndAsync());
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_6_4_Without_a_write_limit_everything_is_taken_although_nobody_reads()
    {
        const int length = 20_000_000;
        var written = new Signal();
        await using var server = await FunctionalServer.StartRawAsync(
            transport,
            async connection =>
            {
                await Pattern.WriteAsync(connection.Transport.Output.AsStream(), length);
                written.Set();
            },
            options => options.MaxWriteBufferSize = null);
        await using var client = await server.ConnectAsync();
        await written.WaitAsync();
        Assert.Equal(Pattern.Hash(length), Convert.ToHexString(await SHA256.HashDataAsync(client.Stream)));
    }

    /// <summary>Counts what has been handed on.</summary>
    private sealed class CountingStream(Stream inner) : Stream
    {
        private long _written;

        public long Written => Volatile.Read(ref _written);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            Interlocked.Add(ref _written, buffer.Length);
        }
    }
}
