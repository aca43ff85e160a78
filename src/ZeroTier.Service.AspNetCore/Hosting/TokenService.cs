using Microsoft.Extensions.Hosting;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Service.AspNetCore.Hosting;

/// <summary>Creates the token files before the first request, so that programs find them.</summary>
internal sealed class TokenService(ApiToken token, MetricsToken metrics) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        token.Load();
        metrics.Load();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
