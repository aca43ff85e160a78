using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>SignalR with its own server and client, over each way that they may choose (rule 10.4).</summary>
public abstract class SignalRTests(FunctionalTransport transport)
{
    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task Rule_10_4_A_hub_is_called_calls_back_and_streams_both_ways(HttpTransportType type)
    {
        await using var server = await StartAsync();
        using var handler = transport.CreateHandler(null);
        await using var hub = HubClient.Create(server, transport, type, handler);
        var told = new Signal<string>();
        hub.On<string>("back", told.Set);
        await hub.StartAsync().LimitedAsync();

        Assert.Equal("HELLO", await hub.InvokeAsync<string>("Echo", "hello").LimitedAsync());
        Assert.Equal("hello", await told.WaitAsync());
        Assert.Equal(Enumerable.Range(0, 200), await hub.StreamAsync<int>("Count", 200).ToListAsync().AsTask().LimitedAsync());
        Assert.Equal(19900, await hub.InvokeAsync<int>("Sum", Enumerable.Range(0, 200).ToAsyncEnumerable()).LimitedAsync());
        await hub.StopAsync().LimitedAsync();
    }

    [Fact]
    public async Task Rule_10_4_A_hub_whose_connection_is_aborted_is_reached_again()
    {
        var connections = new ConcurrentBag<ConnectionContext>();
        await using var server = await StartAsync(listen => listen.Use(next => context =>
        {
            connections.Add(context);
            return next(context);
        }));
        using var handler = transport.CreateHandler(null);
        await using var hub = HubClient.Create(
            server,
            transport,
            HttpTransportType.WebSockets,
            handler,
            builder => builder.WithAutomaticReconnect([TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)]));
        var again = new Signal<string?>();
        hub.Reconnected += id =>
        {
            again.Set(id);
            return Task.CompletedTask;
        };
        await hub.StartAsync().LimitedAsync();
        string? before = hub.ConnectionId;
        foreach (var connection in connections.ToArray())
        {
            connection.Abort(new ConnectionAbortedException("test"));
        }

        Assert.NotEqual(before, await again.WaitAsync());
        Assert.Equal("HELLO", await hub.InvokeAsync<string>("Echo", "hello").LimitedAsync());
    }

    private Task<FunctionalServer> StartAsync(Action<ListenOptions>? listen = null) =>
        FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
        {
            options.Listen = listen;
            options.Builder = builder => builder.Services.AddSignalR();
            options.Pipeline = app => app.MapHub<EchoHub>("/hub");
        });

    private sealed class EchoHub : Hub
    {
        public async Task<string> Echo(string text)
        {
            await Clients.Caller.SendAsync("back", text);
            return text.ToUpperInvariant();
        }

        public async IAsyncEnumerable<int> Count(int count, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (int i = 0; i < count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
                yield return i;
            }
        }

        public async Task<int> Sum(IAsyncEnumerable<int> numbers) => await numbers.SumAsync();
    }
}
