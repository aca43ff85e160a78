using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Authentication by the calling node.</summary>
public static class ZeroTierAuthenticationBuilderExtensions
{
    /// <summary>
    /// Authenticates callers by the node that their packets are proven to come from, under the scheme
    /// <see cref="ZeroTierAuthenticationDefaults.AuthenticationScheme"/>. Requests over ordinary sockets get no identity from it. On the
    /// libzt engine, which cannot prove the node, authentication fails for every request over ZeroTier.
    /// </summary>
    /// <param name="builder">The authentication of the application.</param>
    public static AuthenticationBuilder AddZeroTier(this AuthenticationBuilder builder) => builder.AddZeroTier(static _ => { });

    /// <summary>Authenticates callers by the node that their packets are proven to come from.</summary>
    /// <param name="builder">The authentication of the application.</param>
    /// <param name="configure">Changes the options after the section <c>ZeroTier:Members</c> was read.</param>
    public static AuthenticationBuilder AddZeroTier(this AuthenticationBuilder builder, Action<ZeroTierAuthenticationOptions> configure) =>
        builder.AddZeroTier(ZeroTierAuthenticationDefaults.AuthenticationScheme, configure);

    /// <summary>Authenticates callers by the node that their packets are proven to come from.</summary>
    /// <param name="builder">The authentication of the application.</param>
    /// <param name="authenticationScheme">The name of the scheme.</param>
    /// <param name="configure">Changes the options after the section <c>ZeroTier:Members</c> was read.</param>
    public static AuthenticationBuilder AddZeroTier(
        this AuthenticationBuilder builder, string authenticationScheme, Action<ZeroTierAuthenticationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        // Registered before AddScheme registers the application's delegate, so that code can override the configuration.
        builder.Services.AddSingleton<IConfigureOptions<ZeroTierAuthenticationOptions>>(provider => new MembersSection(
            authenticationScheme, provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<ILogger<MembersSection>>()));
        builder.Services.AddSingleton<IOptionsChangeTokenSource<ZeroTierAuthenticationOptions>>(provider =>
            new ConfigurationChangeTokenSource<ZeroTierAuthenticationOptions>(
                authenticationScheme, provider.GetRequiredService<IConfiguration>()));
        return builder.AddScheme<ZeroTierAuthenticationOptions, AuthenticationHandler>(authenticationScheme, configure);
    }
}
