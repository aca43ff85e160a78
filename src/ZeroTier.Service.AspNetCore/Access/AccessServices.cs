using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>Registers access control, which all HTTP APIs of a node share.</summary>
internal static class AccessServices
{
    public static IServiceCollection AddApiAccess(this IServiceCollection services)
    {
        services.AddOptions<ZeroTierServiceOptions>()
            .Validate(
                o => o.MaxRequestBodySize >= 1024, $"{nameof(ZeroTierServiceOptions.MaxRequestBodySize)} must be 1,024 bytes or more.")
            .ValidateOnStart();
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ApiToken>();
        services.TryAddSingleton<MetricsToken>();
        services.TryAddSingleton<ApiGuard>();
        return services;
    }
}
