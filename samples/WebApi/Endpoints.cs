using System.Net;
using System.Net.ServerSentEvents;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier;
using ZeroTier;

namespace WebApi;

/// <summary>The handlers of the API.</summary>
internal static class Endpoints
{
    // Published natively there is no assembly: the process is the program.
    private static readonly string ProgramFile =
        Path.Combine(AppContext.BaseDirectory, "WebApi.dll") is var assembly && File.Exists(assembly) ? assembly : Environment.ProcessPath!;

    /// <summary>Who am I, who called.</summary>
    public static string WhoAmI(HttpContext context, ZeroTierNode node)
    {
        var address = context.Connection.RemoteIpAddress;
        string caller = context.GetZeroTierPeer() is { } peer ? Describe(peer, address) : $"{address}, not over ZeroTier";
        return $"I am node {node.Id}. You are {caller}.\n";
    }

    /// <summary>Leaves out what is unknown: libzt does not report which node sends a connection's packets.</summary>
    internal static string Describe(IZeroTierPeerFeature peer, IPAddress? address)
    {
        string who = peer.Node is { } node ? $"node {node}" : $"{address}";
        string path = peer.IsDirect is { } direct ? direct ? ", direct" : ", relayed" : "";
        string distance = peer.Latency is { } latency ? $", {latency.TotalMilliseconds:F1} ms away" : "";
        return $"{who} on network {peer.Network}{path}{distance}";
    }

    /// <summary>Streams the node's events as server-sent events, after one event with its current state.</summary>
    public static IResult Events(ZeroTierNode node, IHostApplicationLifetime lifetime, CancellationToken aborted) =>
        TypedResults.ServerSentEvents(Read(node, lifetime, aborted));

    /// <summary>Sends <c>?bytes=N</c> zero bytes, as fast as the client reads them.</summary>
    public static async Task Stream(HttpContext context, long bytes = 1_000_000)
    {
        if (bytes < 0)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        context.Response.ContentLength = bytes;
        var writer = context.Response.BodyWriter;
        for (long left = bytes; left > 0;)
        {
            var memory = writer.GetMemory();
            int length = (int)Math.Min(left, memory.Length);
            memory.Span[..length].Clear();
            writer.Advance(length);
            left -= length;
            if ((await writer.FlushAsync(context.RequestAborted)).IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Sends a file, this program's assembly; supports range requests.</summary>
    public static IResult Download() =>
        TypedResults.PhysicalFile(ProgramFile, "application/octet-stream", enableRangeProcessing: true);

    /// <summary>Returns the SHA-256 hash of the request body.</summary>
    public static async Task<string> Upload(Stream body, CancellationToken aborted) =>
        Convert.ToHexStringLower(await SHA256.HashDataAsync(body, aborted)) + "\n";

    /// <summary>Echoes the messages of a WebSocket.</summary>
    public static async Task Echo(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(
            buffer.AsMemory(), context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
        {
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private static async IAsyncEnumerable<SseItem<string>> Read(
        ZeroTierNode node, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken aborted)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted, lifetime.ApplicationStopping);
        using var events = node.Subscribe();
        yield return new SseItem<string>($"node {node.Id} is {(node.IsOnline ? "online" : "offline")}", "state");
        await using var all = events.ReadAllAsync(either.Token).GetAsyncEnumerator(either.Token);
        while (await MoveNextAsync(all))
        {
            var happened = all.Current;
            string what = string.Join(
                ' ', new object?[] { happened.Network, happened.Peer, happened.Address, happened.Detail }.Where(part => part is not null));
            yield return new SseItem<string>($"{happened.Time:O} {what}".TrimEnd(), happened.Code.ToString());
        }
    }

    /// <summary>Cancellation, by the end of the request or of the application, ends the stream and is not an error.</summary>
    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ZeroTierEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
