using System.Net;
using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Listening;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting.Node;

namespace ZeroTier.Testing.Hosting;

/// <summary>An app under test, accessed through its services.</summary>
internal sealed class TestedApp(IServiceProvider services)
{
    /// <summary>Checks that the app can be called over the test network. The exception says why not and what to do.</summary>
    /// <exception cref="InvalidOperationException">The app cannot be called.</exception>
    public void Check(TestNetwork network)
    {
        if (services.GetService<INodeFactory>() is not TestNodeFactory factory || factory.Network != network)
        {
            throw new InvalidOperationException(
                "The app is not on this test network. Put it there before it is built: "
                + "builder.WebHost.UseZeroTierTestNetwork(network), or with WebApplicationFactory .WithWebHostBuilder(web => "
                + "web.UseZeroTierTestNetwork(network)).");
        }

        if (!services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested)
        {
            throw new InvalidOperationException(
                "The app has not been started. Start it first: await app.StartAsync(), or factory.StartServer().");
        }

        // Rule 11.1 (docs/transport-contract.md): WebApplicationFactory serves no endpoints by default or with UseKestrel(port).
        if (services.GetService<ListenerRegistry>() is not { ServerBindsEndPoints: true } registry)
        {
            string? server = services.GetService<IServer>()?.GetType().Name;
            throw new InvalidOperationException(server is null
                ? "The app has no web server, so there is nothing to call."
                : $"The app runs on {server}, which serves no endpoints. With WebApplicationFactory, call factory.UseKestrel() before "
                    + "anything that starts the app.");
        }

        if (registry.MissingEndPoints(services.GetRequiredService<IOptions<ZeroTierOptions>>().Value) is { } missing)
        {
            throw new InvalidOperationException(
                $"{missing} With WebApplicationFactory, call UseKestrel() or UseKestrel(options => …) instead of UseKestrel(port).");
        }
    }

    /// <summary>Returns the URI of the app's first ZeroTier endpoint, and its network.</summary>
    /// <exception cref="InvalidOperationException">The app's node does not become ready.</exception>
    public async Task<(Uri Address, NetworkId Network)> GetAddressAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var node = services.GetRequiredService<NodeHost>();
        var listener = services.GetRequiredService<ListenerRegistry>().Listeners.FirstOrDefault(l => !l.IsIdle)
            ?? throw new InvalidOperationException("The app has no ZeroTier endpoint any more: it is stopping.");
        ZeroTierNetwork network;
        try
        {
            await node.WaitForOnlineAsync(cancellationToken)
                .WaitAsync(patience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            network = await node.WaitForNetworkAsync(listener.Target.Network, cancellationToken)
                .WaitAsync(patience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or ZeroTierException)
        {
            throw new InvalidOperationException(
                $"The app's node does not get ready on network {listener.Target.Network}: {exception.Message}", exception);
        }

        var address = new IPEndPoint(listener.Target.Address ?? ListenTarget.Preferred(network), listener.Port);
        return (new Uri($"{Scheme(listener.EndPoint)}://{address}/"), network.Id);
    }

    // The only place where Kestrel tells whether an endpoint has TLS is the scheme of its server address.
    private string Scheme(EndPoint endPoint)
    {
        string secure = $"https://{endPoint}";
        var addresses = services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        return addresses.Contains(secure, StringComparer.OrdinalIgnoreCase) ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
    }
}
