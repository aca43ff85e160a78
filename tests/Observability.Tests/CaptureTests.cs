using System.Net;
using ZeroTier.Managed.Capture;

namespace Observability.Tests;

/// <summary>Captures of a node's networks, on nodes in memory.</summary>
public sealed class CaptureTests : IAsyncLifetime
{
    private const int Port = 7000;
    private static readonly byte[] Words = "what the members say"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zt-capture-");
    private readonly LogCollector _logs = new();
    private TestNetwork _network = null!;
    private ManagedNode _server = null!;
    private ManagedNode _client = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string FilePath => Path.Combine(_folder.FullName, "net.pcapng");

    public async ValueTask InitializeAsync()
    {
        var loggers = new Microsoft.Extensions.Logging.LoggerFactory([_logs]);
        _network = await TestNetwork.StartAsync(new TestNetworkOptions { LoggerFactory = loggers }, Cancel);
        _server = await _network.StartNodeAsync(Cancel);
        _client = await _network.StartNodeAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Frames_of_both_directions_are_captured_with_flags_and_the_other_node()
    {
        var before = DateTimeOffset.UtcNow;
        await using var capture = await _server.StartCaptureAsync(FilePath, new CaptureOptions(), Cancel);
        await TalkAsync();
        Assert.Equal(CaptureEnd.Stopped, await capture.StopAsync(Cancel));

        var file = PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel));
        Assert.StartsWith("ZtKestrel ", file.Application, StringComparison.Ordinal);
        var network = Assert.Single(file.Interfaces);
        Assert.Equal(TestNetwork.Network.ToString(), network.Name);
        Assert.Equal(9, network.Resolution);
        Assert.Equal(_server.Networks[0].Mac, string.Join(':', network.Mac!.Select(b => b.ToString("x2", null))));
        Assert.Contains(
            file.Frames,
            frame => frame.IsInbound && frame.Reception == 1 && frame.Comment == $"from node {_client.Id}" && Has(frame, Words));
        Assert.Contains(
            file.Frames,
            frame => frame.IsOutbound && frame.Reception == 1 && frame.Comment == $"to node {_client.Id}" && Has(frame, Words));
        Assert.All(file.Frames, frame => Assert.Equal(frame.Bytes.Length, frame.Length));
        Assert.All(file.Frames, frame => Assert.InRange(frame.Time, before.AddSeconds(-1), DateTimeOffset.UtcNow.AddSeconds(1)));
        var counts = Assert.Single(file.Counts);
        Assert.Equal((file.Frames.Count, 0), (counts.Received, counts.Dropped));
        Assert.Equal(file.Frames.Count, capture.Frames);
    }

    [Fact]
    public async Task A_file_is_for_its_owner_and_is_whole_at_every_moment()
    {
        await using var capture = await _server.StartCaptureAsync(FilePath, new CaptureOptions(), Cancel);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        }

        await TalkAsync();

        // As it would be if the process were killed now.
        await Eventually.TrueAsync(
            () => PcapngReader.Read(ReadShared(FilePath)).Frames.Any(frame => Has(frame, Words)), "a frame in the file");
        Assert.Empty(PcapngReader.Read(ReadShared(FilePath)).Counts);
    }

    [Fact]
    public async Task A_capture_of_one_network_has_no_frames_of_another()
    {
        var other = NetworkId.AdHoc(0, 100);
        await using var capture = await _server.StartCaptureAsync(FilePath, new CaptureOptions { Network = other }, Cancel);
        await using var own = await _server.StartCaptureAsync(
            FilePath + ".own", new CaptureOptions { Network = TestNetwork.Network }, Cancel);
        await TalkAsync();
        await capture.StopAsync(Cancel);
        await own.StopAsync(Cancel);

        Assert.Contains(PcapngReader.Read(await File.ReadAllBytesAsync(FilePath + ".own", Cancel)).Frames, frame => Has(frame, Words));
        Assert.Equal(0, capture.Frames);
        Assert.Empty(PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel)).Interfaces);
    }

    [Fact]
    public async Task A_capture_goes_on_over_a_restart_until_the_node_is_gone()
    {
        await using var capture = await _server.StartCaptureAsync(FilePath, new CaptureOptions(), Cancel);
        await _server.RestartAsync(Cancel);
        await _server.WaitForNetworkAsync(TestNetwork.Network, Cancel);
        await TalkAsync();
        await _server.DisposeAsync();

        Assert.Equal(CaptureEnd.Stopped, await capture.Completion.WaitAsync(Cancel));
        Assert.Contains(PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel)).Frames, frame => Has(frame, Words));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _server.StartCaptureAsync(FilePath + "2", new CaptureOptions(), Cancel));
    }

    [Fact]
    public async Task A_capture_ends_at_its_size_with_one_line_in_the_log()
    {
        const int MaxSize = 4096;
        await using var capture = await _server.StartCaptureAsync(FilePath, new CaptureOptions { MaxSize = MaxSize }, Cancel);
        for (int i = 0; i < 100 && !capture.Completion.IsCompleted; i++)
        {
            await TalkAsync();
        }

        Assert.Equal(CaptureEnd.SizeReached, await capture.StopAsync(Cancel));
        Assert.InRange(new FileInfo(FilePath).Length, MaxSize / 2, MaxSize);
        Assert.Single(PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel)).Counts);
        var line = Assert.Single(_logs.Lines, line => line.Event.Name == "CaptureSizeReached");
        Assert.Contains($"{MaxSize} bytes", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_stream_does_not_take_is_missing_in_the_capture_only_and_counted_there()
    {
        var stream = new BlockedStream();
        await using var capture = FrameCapture.Start(
            TapOf(out var add), new CaptureOptions(), stream, null, TimeProvider.System, NoLog, queueSize: 2048);
        for (int i = 0; i < 20; i++)
        {
            add(Words);
        }

        Assert.InRange(capture.Dropped, 1, 19);
        Assert.Equal(20, capture.Frames + capture.Dropped);
        stream.Release();
        await Eventually.TrueAsync(() => stream.ToArray().Length > 1000, "written");
        add(Words);
        await capture.StopAsync(Cancel);

        var file = PcapngReader.Read(stream.ToArray());
        Assert.Equal(capture.Dropped, file.Frames.Sum(frame => frame.Lost));
        Assert.Equal(capture.Dropped, file.Frames[^1].Lost);
        Assert.Equal((21, capture.Dropped), (file.Counts[0].Received, file.Counts[0].Dropped));
    }

    [Fact]
    public async Task A_stream_that_never_takes_anything_can_be_given_up()
    {
        var capture = await _server.StartCaptureAsync(new BlockedStream(), new CaptureOptions(), Cancel);
        using var given = new CancellationTokenSource();
        var stop = capture.StopAsync(given.Token);
        Assert.False(stop.IsCompleted);
        await given.CancelAsync();

        Assert.Equal(CaptureEnd.Stopped, await stop.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        await TalkAsync();
    }

    [Fact]
    public async Task A_full_disk_ends_the_capture_with_whole_blocks_and_the_network_goes_on()
    {
        var disk = new FullDisk(FilePath, room: 700);
        await using var capture = FrameCapture.Start(
            TapOf(out var add), new CaptureOptions(), disk, FilePath, TimeProvider.System, _logs.CreateLogger("test"));
        for (int i = 0; i < 10_000 && !capture.Completion.IsCompleted; i++)
        {
            add(Words);
            await Task.Yield();
        }

        Assert.Equal(CaptureEnd.Failed, await capture.Completion);
        Assert.Equal("No space left on device", capture.Error!.Message);
        PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel));
        Assert.Contains(
            "No space left", Assert.Single(_logs.Lines, line => line.Event.Name == "CaptureFailed").Text, StringComparison.Ordinal);
        add(Words);
        Assert.Equal(0, capture.Dropped);
    }

    [Fact]
    public async Task Names_that_a_network_gives_itself_command_no_terminal_and_break_no_block()
    {
        string[] names =
        [
            "\e]0;owned\a\u202eevil\0\n",
            new string('x', 10_000),
            string.Concat(Enumerable.Repeat("\U0001f600", 100)),
            "\ud800",
            "",
        ];
        foreach (string name in names)
        {
            using var stream = new MemoryStream();
            await using var capture = FrameCapture.Start(
                TapOf(out var add, name), new CaptureOptions(), stream, null, TimeProvider.System, NoLog);
            add(Words);
            await capture.StopAsync(Cancel);

            var network = Assert.Single(PcapngReader.Read(stream.ToArray()).Interfaces);
            Assert.DoesNotContain(network.Description ?? "", c => char.IsControl(c) || c == '\u202e');
            Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(network.Description ?? ""), 0, 127);
        }
    }

    [Fact]
    public async Task Only_an_older_capture_is_replaced()
    {
        await (await _server.StartCaptureAsync(FilePath, new CaptureOptions(), Cancel)).DisposeAsync();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }

        await (await _server.StartCaptureAsync(FilePath, new CaptureOptions(), Cancel)).DisposeAsync();
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(FilePath) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));

        string precious = Path.Combine(_folder.FullName, "precious");
        await File.WriteAllTextAsync(precious, "a letter", Cancel);
        string empty = Path.Combine(_folder.FullName, "empty");
        await File.WriteAllTextAsync(empty, "", Cancel);
        string link = Path.Combine(_folder.FullName, "link");
        File.CreateSymbolicLink(link, precious);
        foreach (string path in new[]
        {
            precious,
            empty,
            link,
            _folder.FullName,
            Path.Combine(precious, "below"),
            Path.Combine(_folder.FullName, "no", "folder"),
            "/dev/null",
            "a\0b",
        })
        {
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => _server.StartCaptureAsync(path, new CaptureOptions(), Cancel));
            Assert.Equal(ZeroTierError.Storage, error.Error);
        }

        Assert.Equal("a letter", await File.ReadAllTextAsync(precious, Cancel));
        Assert.True(File.Exists("/dev/null") || OperatingSystem.IsWindows());
    }

    [Fact]
    public async Task What_cannot_be_captured_is_refused_at_the_call()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _server.StartCaptureAsync(" ", new CaptureOptions(), Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => _server.StartCaptureAsync(FilePath, new CaptureOptions { MaxSize = 4095 }, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => _server.StartCaptureAsync(new MemoryStream([], writable: false), new CaptureOptions(), Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _server.StartCaptureAsync(FilePath, new CaptureOptions(), new CancellationToken(canceled: true)));
        Assert.False(File.Exists(FilePath));
        Assert.Throws<ArgumentException>(() => new ManagedNode(new ManagedNodeOptions { MaxCaptureSize = 1 }));
    }

    [Fact]
    public async Task A_node_captures_from_its_first_start_where_its_options_say_so()
    {
        var options = await _network.ConfigureAsync(
            new ManagedNodeOptions { Networks = [TestNetwork.Network], CapturePath = FilePath }, Cancel);
        await using (var node = new ManagedNode(options))
        {
            for (int life = 0; life < 2; life++)
            {
                await node.StartAsync(Cancel);
                await node.WaitForNetworkAsync(TestNetwork.Network, Cancel);
                await Assert.ThrowsAsync<ZeroTierException>(
                    async () => await node.ConnectAsync(
                        new ZeroTierEndPoint(TestNetwork.Network, _server.Networks[0].Addresses[0].Address, 100 + life), Cancel));
                await node.StopAsync(Cancel);
            }
        }

        var frames = PcapngReader.Read(await File.ReadAllBytesAsync(FilePath, Cancel)).Frames;
        Assert.All(
            [100, 101],
            port => Assert.Contains(
                frames, frame => frame.IsOutbound && frame.Bytes.Length > 58 && (frame.Bytes[56] << 8 | frame.Bytes[57]) == port));
    }

    private static Microsoft.Extensions.Logging.ILogger NoLog => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    private delegate void AddFrame(byte[] payload);

    private static CaptureTap TapOf(out AddFrame add, string networkName = "")
    {
        var tap = new CaptureTap();
        add = payload =>
        {
            foreach (var capture in tap.Active ?? [])
            {
                capture.Add(new CapturedFrame
                {
                    Network = TestNetwork.Network,
                    NetworkName = networkName,
                    Own = default,
                    IsInbound = true,
                    Peer = new NodeId(7),
                    Source = default,
                    Destination = default,
                    EtherType = 0x0800,
                    Payload = payload,
                });
            }
        };
        return tap;
    }

    private static bool Has(PcapngReader.Frame frame, byte[] words) => frame.Bytes.AsSpan().IndexOf(words) >= 0;

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The client says something, and the server says it back.</summary>
    private async Task TalkAsync()
    {
        await using var listener = await _server.ListenAsync(new ZeroTierEndPoint(TestNetwork.Network, Port), Cancel);
        var accepting = listener.AcceptAsync(Cancel);
        IPAddress address = _server.Networks[0].Addresses[0].Address;
        await using var ours = await _client.ConnectAsync(new ZeroTierEndPoint(TestNetwork.Network, address, Port), Cancel);
        await using var theirs = (await accepting)!;
        await ours.Output.WriteAsync(Words, Cancel);
        await theirs.Output.WriteAsync((await theirs.Input.ReadAtLeastAsync(Words.Length, Cancel)).Buffer.First, Cancel);
        await ours.Input.ReadAtLeastAsync(Words.Length, Cancel);
    }

    /// <summary>Takes nothing until it is released.</summary>
    private sealed class BlockedStream : MemoryStream
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _released.SetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _released.Task.WaitAsync(cancellationToken);
            Write(buffer.Span);
        }
    }

    /// <summary>Takes a part of what no longer fits, as a real disk does.</summary>
    private sealed class FullDisk(
        string path, int room) : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0)
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int fits = (int)Math.Min(buffer.Length, room - Position);
            Write(buffer.Span[..fits]);
            return fits == buffer.Length ? ValueTask.CompletedTask : throw new IOException("No space left on device");
        }
    }
}
