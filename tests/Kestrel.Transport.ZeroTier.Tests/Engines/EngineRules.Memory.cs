using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Section 7.</summary>
public abstract partial class EngineRules<TEngine>
{
    /// <summary>As many as the engine can have.</summary>
    private protected virtual int ManyConnections => 1000;

    [Fact]
    public async Task Rule_7_2_Data_goes_through_the_pool_from_DI_which_is_gone_after_the_host()
    {
        var pool = new CountingPool { OnlyOwner = "zerotier" };
        var host = await StartHostAsync(builder: web => web.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool));
        await using (host)
        {
            host.App.MapPost("/hash", async (Stream body) => Convert.ToHexString(await SHA256.HashDataAsync(body)));
            byte[] data = RandomNumberGenerator.GetBytes(1_000_000);
            var response = await Bounded(
                host.Http.PostAsync($"http://{new IPEndPoint(host.Address, Port)}/hash", new ByteArrayContent(data), Token));
            Assert.Equal(Convert.ToHexString(SHA256.HashData(data)), await response.Content.ReadAsStringAsync(Token));
            Assert.True(pool.IsOwned);
            Assert.True(pool.Rentals > 0);
            await Bounded(host.App.StopAsync(Token));
            await EventuallyAsync(() => pool.Rented == 0, "all blocks are back");
        }

        Assert.True(pool.IsDisposed);
    }

    [Fact]
    public async Task Rule_7_2_Without_kestrel_data_goes_through_a_pool_of_the_process()
    {
        await using var listener = await Bounded(Client.ListenAsync(On(Client, 9001), Token));
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<INodeFactory>(new GivenNode(Server));
        builder.Services.AddZeroTier(zt => zt.Networks.Add(Network.ToString())).AddHealthChecks().AddZeroTier();
        using var host = builder.Build();
        await Bounded(host.StartAsync(Token));
        var accepting = listener.AcceptAsync(Token);
        await using var connection = await Bounded(
            host.Services.GetRequiredService<IConnectionFactory>().ConnectAsync(On(Client, 9001), Token));
        Assert.Same(ZeroTierConnectionOptions.Default.MemoryPool, connection.Features.Get<IMemoryPoolFeature>()!.MemoryPool);
        await using var accepted = (await Bounded(accepting))!;
        var sending = SendAll(connection.Transport.Output, 1_000_000, 7);
        Assert.Equal((1_000_000, await Bounded(sending)), await ReceiveAll(accepted.Input));
    }

    [Fact]
    public async Task Rule_7_3_Outgoing_connections_leave_the_servers_pool_alone()
    {
        var pool = new CountingPool { OnlyOwner = "zerotier" };
        await using var host = await StartHostAsync(builder: web => web.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool));
        await using var listener = await Bounded(Client.ListenAsync(On(Client, 9001), Token));
        var accepting = listener.AcceptAsync(Token);
        await using var connection = await Bounded(
            host.App.Services.GetRequiredService<IConnectionFactory>().ConnectAsync(On(Client, 9001), Token));
        await using var accepted = (await Bounded(accepting))!;
        await Send(accepted, new byte[50_000]);
        await Bounded(connection.Transport.Input.ReadAtLeastAsync(50_000, Token));
        var sending = SendAll(connection.Transport.Output, 100_000, 7);
        Assert.Equal((100_000, await Bounded(sending)), await ReceiveAll(accepted.Input));
        Assert.Equal(0, pool.Rentals);
    }

    [Fact]
    public async Task Rule_7_4_A_thousand_idle_connections_hold_no_block()
    {
        int count = ManyConnections;
        var pool = new CountingPool { OnlyOwner = "zerotier" };
        await using var host = await StartHostAsync(builder: web => web.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool));
        var connections = new List<ZeroTierConnection>();
        for (int i = 0; i < count; i += 100)
        {
            connections.AddRange(await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
            {
                var connection = await DialAsync();
                Assert.EndsWith("0\r\n\r\n", await AskAsync(connection), StringComparison.Ordinal);
                return connection;
            })));
        }

        Assert.Equal(count, connections.Count);
        await EventuallyAsync(() => pool.Rented == 0, "no connection holds a block");
        Assert.True(pool.Rentals >= count);
        Assert.EndsWith("0\r\n\r\n", await AskAsync(connections[^1]), StringComparison.Ordinal);
        foreach (var connection in connections)
        {
            connection.Abort();
            await Bounded(connection.DisposeAsync());
        }
    }

    [Fact]
    public async Task Rule_7_5_A_handler_that_blocks_stops_nobody_else()
    {
        using var gate = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        await using var host = await StartHostAsync();
        host.App.MapGet("/block", () =>
        {
            entered.Set();
            gate.Wait();
            return "late";
        });
        await using var blocked = await DialAsync();
        await Send(blocked, "GET /block HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        await EventuallyAsync(() => entered.IsSet, "the handler blocks");
        try
        {
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
            {
                await using var connection = await DialAsync();
                return await AskAsync(connection);
            }));
            Assert.All(answers, answer => Assert.Contains("hello", answer, StringComparison.Ordinal));
        }
        finally
        {
            gate.Set();
        }

        Assert.Contains(
            "late",
            System.Text.EncodingExtensions.GetString(System.Text.Encoding.ASCII, (await Bounded(blocked.Input.ReadAsync(Token))).Buffer),
            StringComparison.Ordinal);
    }
}
