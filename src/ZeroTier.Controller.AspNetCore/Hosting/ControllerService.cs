using Microsoft.Extensions.Hosting;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore.Hosting;

/// <summary>Opens the controller when the host starts, so that problems with its store fail the start.</summary>
internal sealed class ControllerService(NetworkControllerHost controllers, ApiToken token) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await controllers.GetAsync(cancellationToken).ConfigureAwait(false);

        // Creates the token file before the first request, so that programs find it.
        token.Load();
    }

    public Task StartAsync(CancellationToken cancellationToken) => StartingAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
