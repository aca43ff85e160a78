namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Not beside other tests: what is counted here belongs to the whole process.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>Lives that end in every way leave no thread, no descriptor of the library and none of the kernel.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class LeakTests : FailureTest
{
    [Fact]
    public async Task Many_lives_leave_nothing()
    {
        var server = await Up("event_threads=0;stop_ms=50");
        var client = await Up("event_threads=0");
        await OneLife(server, client, collide: false);
        await OneLife(server, client, collide: true);
        await Settled(() => (Loops() - 2, 0));
        var (loops, files, threads) = (Loops(), Files(), NativeThreads());

        for (int i = 0; i < 6; i++)
        {
            await OneLife(server, client, collide: i % 2 == 1);
        }

        await Settled(() => (Loops() - loops, Files() - files));
        Assert.Equal(2, loops);
        Assert.InRange(server.Control.Counter("sockets"), 0, 1);
        Assert.InRange(client.Control.Counter("sockets"), 0, 1);
        Assert.Equal(1, server.Control.Counter("event_threads"));

        // The thread pool may have grown by a few; eight lives that each left one behind would show.
        Assert.InRange(NativeThreads() - threads, int.MinValue, 5);
    }

    [Fact]
    public async Task Failed_starts_leave_nothing()
    {
        string folder = Folder();
        var node = Create("start_fails=2;event_threads=0", new() { StoragePath = folder });
        await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));
        int files = Files(), loops = Loops();

        for (int i = 0; i < 3; i++)
        {
            await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));
        }

        await Settled(() => (Loops() - loops, Files() - files));
        await using var other = LibztDouble.DoubleNode.Create(new() { StoragePath = folder });
        await Bounded(other.Node.StartAsync(Token));
    }

    [Fact]
    public async Task Start_process_with_too_many_files_is_refused_before_libzt_is_asked()
    {
        var node = Create();
        var files = new List<FileStream>();
        try
        {
            while (files.Count == 0 || files[^1].SafeFileHandle.DangerousGetHandle() < 1024)
            {
                files.Add(new FileStream("/dev/null", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            }

            var error = await Fails(ZeroTierError.NotPermitted, () => node.Node.StartAsync(Token));

            Assert.Contains("1024", error.Message, StringComparison.Ordinal);
            Assert.Equal(0, node.Control.Counter("starts"));
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }

        await Bounded(node.Node.StartAsync(Token));
    }

    private static async Task OneLife(LibztDouble.DoubleNode server, LibztDouble.DoubleNode client, bool collide)
    {
        await using var listener = await Listen(server);
        var (there, here) = await Connect(client, server, listener);
        await Transfer(there, here, 50_000);
        if (collide)
        {
            server.Control.Configure("collision=1");
            await Until(() => server.Node.State == ZeroTierNodeState.Failed);
            server.Control.Configure("collision=0");
            await Bounded(server.Node.StartAsync(Token));
        }
        else
        {
            await Bounded(server.Node.RestartAsync(Token));
        }

        Assert.NotNull(await Bounded(here.ReceiveEnded));
        await there.DisposeAsync();
        await here.DisposeAsync();
        await Ready(server.Node);
    }

    /// <summary>Waits until both differences are zero or less, which the ends of threads and sockets may take a while for.</summary>
    private static async Task Settled(Func<(int Loops, int Files)> differences)
    {
        long limit = Environment.TickCount64 + 30_000;
        while (differences() is { Loops: > 0 } or { Files: > 0 })
        {
            Assert.True(Environment.TickCount64 < limit, $"Left over: {differences()}.");
            await Task.Delay(50, Token);
        }
    }

    private static int Loops() => Directory.GetDirectories("/proc/self/task").Count(task =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).StartsWith("ZeroTier socket", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;   // The thread has just ended.
        }
    });

    private static int NativeThreads() => Directory.GetDirectories("/proc/self/task").Length;

    private static int Files() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
