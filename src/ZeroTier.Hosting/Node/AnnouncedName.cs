using Microsoft.Extensions.Logging;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Node;

/// <summary>
/// The name under which the other apps of a development network find this one: that of the application, as long as the node runs. While
/// another process has it, it is asked for again and again, so that a second copy of an app takes over where the first ends. Thread-safe.
/// </summary>
internal sealed class AnnouncedName(
    DevelopmentNetwork network, ZeroTierNode node, string application, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private DevelopmentName? _name;
    private ITimer? _retry;
    private bool _disposed;

    /// <summary>Takes the name, or takes it later if it is not free. A host starts without one all the same.</summary>
    public void Announce()
    {
        lock (_gate)
        {
            if (_disposed || node.Networks is not [var first, ..])
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

    // The first failure is logged, and those after it are expected.
    private void Retry(string reason)
    {
        if (_retry is null)
        {
            NodeLog.NameNotAnnounced(logger, reason);
            _retry = time.CreateTimer(_ => Announce(), null, RetryInterval, RetryInterval);
        }
    }
}
