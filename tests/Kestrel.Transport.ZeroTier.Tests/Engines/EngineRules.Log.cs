using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Section 9: the same script is played over sockets and over the engine, and must leave the same events.</summary>
public abstract partial class EngineRules<TEngine>
{
    private const string SocketsCategory = "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets";
    private const int Upload = 4 * 1024 * 1024;

    public static TheoryData<string> Lives { get; } = new(
        "peer closes first", "server closes first", "peer resets", "server aborts", "slow reader");

    [Theory]
    [MemberData(nameof(Lives))]
    public async Task Rule_9_1_A_scripted_life_leaves_the_events_of_sockets(string life)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = new SemaphoreSlim(0);
        var ended = new SemaphoreSlim(0);
        int hostPort = FreePort.Tcp();
        void Script(ListenOptions listen) => listen.Run(async connection =>
        {
            accepted.Release();
            try
            {
                await ServeAsync(connection, life, release.Task);
            }
            finally
            {
                ended.Release();
            }
        });
        await using var host = await StartHostAsync(
            zt => zt.Listen(Port, Script),
            web => web.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, hostPort, Script)));

        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, hostPort), Token);
            await CallAsync(life, host, accepted, release, new SocketPeer(socket));
            await Bounded(ended.WaitAsync(Token));
        }

        int[] expected = await EventsAsync(host, SocketsCategory, life);
        release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var connection = await DialAsync();
        await CallAsync(life, host, accepted, release, new EnginePeer(connection));
        await Bounded(ended.WaitAsync(Token));
        Assert.Equal(expected, await EventsAsync(host, TransportLog.ServerCategory, life));
        Assert.All(
            host.Logs.Lines.Where(l => l.Category is SocketsCategory or TransportLog.ServerCategory),
            line => Assert.Equal(LogLevel.Debug, line.Level));

        // The same number has the same name.
        foreach (var group in host.Logs.Lines.Where(l => l.Category is SocketsCategory or TransportLog.ServerCategory)
            .GroupBy(l => l.Event.Id))
        {
            Assert.Single(group.Select(l => l.Event.Name).Distinct());
        }
    }

    private static async Task ServeAsync(ConnectionContext connection, string life, Task release)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        switch (life)
        {
            case "server closes first":
                await input.ReadAsync();
                await output.WriteAsync(new byte[] { 1 });
                return;
            case "server aborts":
                await input.ReadAsync();
                connection.Abort(new ConnectionAbortedException("script"));
                return;
            case "slow reader":
                await release;
                break;
            default:
                break;
        }

        try
        {
            ReadResult read;
            do
            {
                read = await input.ReadAsync();
                input.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }
        catch (ConnectionResetException)
        {
        }
    }

    private async Task CallAsync(string life, EngineHost host, SemaphoreSlim accepted, TaskCompletionSource release, IPeer peer)
    {
        switch (life)
        {
            case "peer closes first":
                await peer.SendAsync(new byte[10], Token);
                await peer.ShutdownAsync();
                break;
            case "server closes first":
                await peer.SendAsync(new byte[10], Token);
                await peer.ReceiveAllAsync(Token);
                break;
            case "peer resets":
                await peer.SendAsync(new byte[10], Token);

                // While the path is new, packets may overtake each other: a reset that comes before the handshake's end leaves nothing to
                // accept.
                await Bounded(accepted.WaitAsync(Token));
                peer.Reset();
                break;
            case "server aborts":
                await peer.SendAsync(new byte[10], Token);
                break;
            default:
                int pauses = host.Logs.Lines.Count(l => l.Event.Name == "ConnectionPause");
                var sending = peer.SendAsync(new byte[Upload], Token);
                await EventuallyAsync(() => host.Logs.Lines.Count(l => l.Event.Name == "ConnectionPause") > pauses, "paused");
                release.SetResult();
                await Bounded(sending);
                await peer.ShutdownAsync();
                break;
        }
    }

    /// <summary>The ids in order; how often a long upload pauses is a matter of chance, so pauses and resumes count once.</summary>
    private static async Task<int[]> EventsAsync(EngineHost host, string category, string life)
    {
        int last = life switch { "server aborts" => 8, _ => 7 };
        await EventuallyAsync(
            () => host.Logs.Lines.Any(l => l.Category == category && l.Event.Id == last), $"the last event in {category}");
        int[] ids = [.. host.Logs.Lines.Where(l => l.Category == category).Select(l => l.Event.Id)];
        return life == "slow reader" ? [.. ids.Where(id => id is 4 or 5).Distinct(), .. ids.Where(id => id is not (4 or 5))] : ids;
    }

    private interface IPeer
    {
        Task SendAsync(byte[] data, CancellationToken cancellationToken);

        Task ReceiveAllAsync(CancellationToken cancellationToken);

        Task ShutdownAsync();

        void Reset();
    }

    private sealed class SocketPeer(Socket socket) : IPeer
    {
        public async Task SendAsync(byte[] data, CancellationToken cancellationToken)
        {
            for (int sent = 0; sent < data.Length;)
            {
                sent += await socket.SendAsync(data.AsMemory(sent), cancellationToken);
            }
        }

        public async Task ReceiveAllAsync(CancellationToken cancellationToken)
        {
            byte[] buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, cancellationToken) > 0)
            {
            }
        }

        public Task ShutdownAsync()
        {
            socket.Shutdown(SocketShutdown.Send);
            return Task.CompletedTask;
        }

        public void Reset()
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
    }

    private sealed class EnginePeer(ZeroTierConnection connection) : IPeer
    {
        public async Task SendAsync(byte[] data, CancellationToken cancellationToken) =>
            await connection.Output.WriteAsync(data, cancellationToken);

        public async Task ReceiveAllAsync(CancellationToken cancellationToken)
        {
            ReadResult read;
            do
            {
                read = await connection.Input.ReadAsync(cancellationToken);
                connection.Input.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }

        public async Task ShutdownAsync() => await connection.Output.CompleteAsync();

        public void Reset() => connection.Abort();
    }
}
