using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Client;

/// <summary>Calls the API every few seconds, and logs the reason when a call fails.</summary>
internal sealed partial class Worker(IServiceScopeFactory scopes, ILogger<Worker> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause);
        do
        {
            try
            {
                // Typed clients are meant to be short-lived, so each call gets a new one; the factory keeps the connections.
                await using var scope = scopes.CreateAsyncScope();
                LogAnswer(logger, (await scope.ServiceProvider.GetRequiredService<Caller>().AskAsync(stoppingToken)).TrimEnd());
            }
            catch (HttpRequestException exception)
            {
                LogFailure(logger, exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(1, LogLevel.Information, "The API says: {Answer}")]
    private static partial void LogAnswer(ILogger logger, string answer);

    [LoggerMessage(2, LogLevel.Warning, "The API cannot be called: {Reason}")]
    private static partial void LogFailure(ILogger logger, string reason);
}
