using System.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;
using ZeroTier.Testing;

namespace WebApi.Tests;

/// <summary>
/// Section 11 of the transport contract: <see cref="WebApplicationFactory{TEntryPoint}"/> and what it does to a transport.
/// </summary>
public sealed class FactoryRuleTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_11_1_UseKestrel_without_a_port_serves_our_endpoint(bool withOptions)
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var factory = SampleApp.OnNetwork(network);
        bool configured = !withOptions;
        if (withOptions)
        {
            factory.UseKestrel(_ => configured = true);
        }
        else
        {
            factory.UseKestrel();
        }

        factory.StartServer();
        using var client = await network.CreateClientAsync(factory.Services, cancellationToken: Cancel);
        Assert.Equal("Healthy", await client.GetStringAsync("/healthz", Cancel));
        Assert.True(configured);
        Assert.Throws<NotSupportedException>(() => factory.Server);
    }

    [Fact]
    public async Task Rule_11_1_UseKestrel_with_a_port_is_told_with_the_remedy()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var factory = SampleApp.OnNetwork(network);
        factory.UseKestrel(0);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => network.CreateClientAsync(factory.Services, cancellationToken: Cancel));
        Assert.Contains("PreferHostingUrls", error.Message, StringComparison.Ordinal);
        Assert.Contains("UseKestrel(options => …) instead of UseKestrel(port)", error.Message, StringComparison.Ordinal);

        // And so does the app itself, to whoever can reach it: by the port on the host.
        using var host = factory.CreateClient();
        using var health = await host.GetAsync("/healthz", Cancel);
        Assert.Equal("Unhealthy", await health.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Rule_11_1_UseKestrel_with_a_port_does_nothing_to_a_derived_factory()
    {
        // So in 10.0.14: WithWebHostBuilder makes a factory that does not pass the port on, only that it is Kestrel.
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var original = new WebApplicationFactory<Program>();
        var factory = original.WithWebHostBuilder(web => web.UseZeroTierTestNetwork(network));
        factory.UseKestrel(0);
        using var client = await network.CreateClientAsync(factory.Services, cancellationToken: Cancel);
        Assert.Equal("Healthy", await client.GetStringAsync("/healthz", Cancel));
    }

    [Fact]
    public async Task Rule_11_1_The_default_test_server_is_told_with_the_remedy()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var factory = SampleApp.OnNetwork(network, web => web.ConfigureKestrel(_ => Assert.Fail("Kestrel does not run.")));
        Assert.IsType<TestServer>(factory.Services.GetRequiredService<IServer>());
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => network.CreateClientAsync(factory.Services, cancellationToken: Cancel));
        Assert.Contains("runs on TestServer", error.Message, StringComparison.Ordinal);
        Assert.Contains("factory.UseKestrel()", error.Message, StringComparison.Ordinal);

        // A test of the app alone is no reason to call its network broken, once the node is online.
        using var inside = factory.CreateClient();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (await inside.GetAsync(new Uri("/healthz", UriKind.Relative), limit.Token) is { IsSuccessStatusCode: false })
        {
            await Task.Delay(20, limit.Token);
        }
    }

    [Fact]
    public async Task Rule_11_1_Under_the_default_test_server_no_node_starts()
    {
        await using var factory = new WebApplicationFactory<Program>();
        using var client = factory.CreateClient();
        Assert.Equal("Healthy", await client.GetStringAsync("/healthz", Cancel));
        var node = factory.Services.GetRequiredService<ZeroTierNode>();
        Assert.Equal(ZeroTierNodeState.Stopped, node.State);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.WaitForOnlineAsync(Cancel));
        Assert.Contains("TestServer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule_11_2_BaseAddress_is_the_last_server_address_and_ours_is_callable()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var factory = SampleApp.OnNetwork(network, web => web.UseSetting("ZeroTier:Listen", "8081"));
        factory.UseKestrel();
        factory.StartServer();
        var addresses = factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Assert.Equal(2, addresses.Count);
        Assert.Equal(new Uri(addresses.Last()), factory.ClientOptions.BaseAddress);

        // The factory's own client sits on sockets of the machine, where this address is nowhere; every address is one for a client of the
        // network.
        foreach (string address in addresses)
        {
            using var client = await network.CreateClientAsync(factory.Services, cancellationToken: Cancel);
            client.BaseAddress = new Uri(address);
            Assert.Equal("Healthy", await client.GetStringAsync("/healthz", Cancel));
        }
    }

    [Fact]
    public async Task Rule_11_2_The_sample_is_up_and_answers_on_the_network_in_memory()
    {
        for (int i = 0; i < 3; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            await using (var network = await TestNetwork.StartAsync(cancellationToken: Cancel))
            {
                await using var factory = SampleApp.OnNetwork(network);
                factory.UseKestrel();
                using var client = await network.CreateClientAsync(factory.Services, cancellationToken: Cancel);
                Assert.Contains(
                    $"I am node {factory.Services.GetRequiredService<ZeroTierNode>().Id}",
                    await client.GetStringAsync("/", Cancel),
                    StringComparison.Ordinal);
                output.WriteLine($"answered after {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
            }

            output.WriteLine($"ended after    {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
        }
    }
}
