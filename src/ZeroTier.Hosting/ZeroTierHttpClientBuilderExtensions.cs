using ZeroTier;
using ZeroTier.Hosting.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>HTTP clients on ZeroTier networks.</summary>
public static class ZeroTierHttpClientBuilderExtensions
{
    /// <summary>
    /// Sends a client's requests over the host's node, and nowhere else: hosts in URLs are addresses on its networks or
    /// <c>NODE.NETWORK.zt</c>. Includes <c>AddZeroTier</c> for the host. Sets the primary handler; handlers that are added to the client,
    /// such as those for resilience, work on top. The node lives as long as the host: handlers that the factory replaces leave it alone.
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

        // Made here and not by the container, which would keep each one until the host ends.
        return builder.ConfigurePrimaryHttpMessageHandler(
            static provider => provider.GetRequiredService<ClientConnections>().CreateHandler());
    }
}
