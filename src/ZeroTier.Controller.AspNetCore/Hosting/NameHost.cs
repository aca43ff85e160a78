using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Controller.AspNetCore.Hosting;

/// <summary>Runs the <see cref="NameService"/> from the start of the host until its stop; the node outlives it.</summary>
internal sealed class NameHost(
    NetworkControllerHost controllers, IServiceProvider services, TimeProvider time, ILoggerFactory loggerFactory)
    : IHostedService, IAsyncDisposable
{
    private NameService? _names;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        NetworkController controller = await controllers.GetAsync(cancellationToken).ConfigureAwait(false);
        if (services.GetService<ZeroTierNode>() is { } node)
        {
            _names = new NameService(controller, node, new NameServiceOptions { TimeProvider = time, LoggerFactory = loggerFactory });
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask().WaitAsync(cancellationToken);

    public ValueTask DisposeAsync() => _names?.DisposeAsync() ?? ValueTask.CompletedTask;
}
