using Microsoft.Extensions.Logging;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Node;

/// <summary>The name under which the other apps of a development network find this one: that of the application, as long as the node runs.</summary>
internal sealed class AnnouncedName(DevelopmentNetwork network, ZeroTierNode node, string application, ILogger logger) : IDisposable
{
    private DevelopmentName? _name;

    /// <summary>Takes the name, if it is free. A host starts without one all the same.</summary>
    public void Announce()
    {
        if (node.Networks is not [var first, ..])
        {
            return;
        }

        try
        {
            _name = network.AnnounceName(application, node.Id, first.Id);
            if (_name is { Name: var name })
            {
                NodeLog.NameAnnounced(logger, name);
            }
            else
            {
                NodeLog.NameNotAnnounced(logger, $"another process has that of '{application}', or it is no name for a host.");
            }
        }
        catch (ZeroTierException exception)
        {
            NodeLog.NameNotAnnounced(logger, exception.Message);
        }
    }

    public void Dispose() => _name?.Dispose();
}
