using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using Kestrel.Transport.ZeroTier;
using ZeroTier;

namespace WebApi;

/// <summary>Prints the node's ID and address, and how to call it, when the network is ready.</summary>
internal sealed class Announcement(
    ZeroTierNode node, IServer server, IOptions<ZeroTierOptions> options, IHostApplicationLifetime lifetime, ILogger<Announcement> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await WaitForStartAsync(stoppingToken);
            if (server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() is not { } url)
            {
                // An in-memory test server, which has no address.
                return;
            }

            int port = new Uri(url).Port;
            foreach (string id in options.Value.Networks)
            {
                var network = await node.WaitForNetworkAsync(NetworkId.Parse(id), stoppingToken);
                var address = new IPEndPoint(network.Addresses[0].Address, port);
                Console.WriteLine($"""

                    node     {node.Id}
                    network  {network.Id}
                    address  {address}

                    Call it from another terminal:

                      dotnet run --project src/ZeroTier.Cli -- get "http://{address}/"
                      dotnet run --project src/ZeroTier.Cli -- forward 9000 "{address}"

                    """);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before the network was ready.
        }
        catch (ZeroTierException exception)
        {
            logger.LogError("The network is not usable: {Reason}", exception.Message);
        }
    }

    private async Task WaitForStartAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
    }
}
