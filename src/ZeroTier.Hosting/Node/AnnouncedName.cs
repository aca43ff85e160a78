using Microsoft.Extensions.Logging;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The host name under which other apps of a development network find this one: the application's name, while the node runs. While another
/// process holds the name, claiming it is retried, so that a second instance of an app takes over when the first ends. Thread-safe.
/// </summary>
internal sealed class AnnouncedName(
    DevelopmentNetwork network, ZeroTierNode node, string application, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private DevelopmentName? _name;
    private ITimer? _retry;
    private bool _disposed;

    /// <summary>Claims the name; retries in the background if it is not free. The host starts without it.</summary>
    public void Announce()
    {
        lock (_gate)
        {
            if (_disposed || _name is not null || node.Networks is not [var first, ..])
            {
                return;
            }

            try
            {
                _name = network.AnnounceName(application, node.Id, first.Id);
            }
            catch (ZeroTierException exception)
            {
                Retry(exception.Message);
                return;
            }

            if (_name is null)
            {
                Retry($"another process has that of '{application}', or it is no name for a host.");
                return;
            }

            _retry?.Dispose();
            NodeLog.NameAnnounced(logger, _name.Name);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _retry?.Dispose();
            _name?.Dispose();
        }
    }

    // Logs only the first failure.
    private void Retry(string reason)
    {
        if (_retry is null)
        {
            NodeLog.NameNotAnnounced(logger, reason);
            _retry = time.CreateTimer(_ => Announce(), null, RetryInterval, RetryInterval);
        }
    }
}
