using Microsoft.Extensions.DependencyInjection;
using ZeroTier;
using ZeroTier.Hosting;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds a ZeroTier node to workers, console programs and other apps built with a host application builder.</summary>
public static class ZeroTierHostApplicationBuilderExtensions
{
    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host; inject it as <see cref="ZeroTierNode"/>. Web hosts use <c>UseZeroTier</c>,
    /// which includes this.
    /// </summary>
    /// <typeparam name="TBuilder">The builder's type.</typeparam>
    /// <param name="builder">The builder.</param>
    public static TBuilder AddZeroTier<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddZeroTier();
        return builder;
    }

    /// <summary>
    /// Adds a ZeroTier node that starts and stops with the host; inject it as <see cref="ZeroTierNode"/>. Web hosts use <c>UseZeroTier</c>,
    /// which includes this.
    /// </summary>
    /// <typeparam name="TBuilder">The builder's type.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the options after the configuration section <c>ZeroTier</c> was read.</param>
    public static TBuilder AddZeroTier<TBuilder>(this TBuilder builder, Action<ZeroTierNodeOptions> configure)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddZeroTier(configure);
        return builder;
    }
}
