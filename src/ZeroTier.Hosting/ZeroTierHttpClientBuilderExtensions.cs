using ZeroTier;
using ZeroTier.Hosting.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Configures HTTP clients to use ZeroTier networks.</summary>
public static class ZeroTierHttpClientBuilderExtensions
{
    /// <summary>
    /// Sends a client's requests over the host's node only: hosts in URLs are addresses or names on its networks
    /// (<see cref="ZeroTierName"/>). Includes <c>AddZeroTier</c> for the host. Sets the primary handler; additional handlers of the client,
    /// such as those for resilience, wrap it. The node lives as long as the host: handlers that the factory replaces do not dispose it.
    /// </summary>
    /// <remarks>
    /// A request fails with an <see cref="HttpRequestException"/> whose inner exception is the <see cref="ZeroTierException"/> that says
    /// why. Connecting gives up after the setting <c>ZeroTier:ConnectTimeout</c>, 10 seconds by default.
    /// </remarks>
    /// <param name="builder">The client, from <c>services.AddHttpClient("name")</c>.</param>
    public static IHttpClientBuilder AddZeroTier(this IHttpClientBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddZeroTier();

        // Created directly and not resolved from the container, which would keep a reference to each handler until the host ends.
        return builder.ConfigurePrimaryHttpMessageHandler(
            static provider => provider.GetRequiredService<ClientConnections>().CreateHandler());
    }
}
