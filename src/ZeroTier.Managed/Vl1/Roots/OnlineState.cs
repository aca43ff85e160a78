using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Reachability;

namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>Whether the node is online: something was received from a root lately, or the node is a root itself.</summary>
internal sealed class OnlineState(ControlPlane control, SendQueue sendQueue, ILogger log, long offlineAfter)
{
    private volatile bool _isOnline;

    /// <summary>Whether the node is online. Lock-free.</summary>
    public bool IsOnline => _isOnline;

    /// <summary>Sets the state, and notifies the layer above when it changes. Under the control lock.</summary>
    public void Set(bool online)
    {
        if (_isOnline == online)
        {
            return;
        }

        _isOnline = online;
        control.Tell(new Outbox.Notice(online ? NoticeKind.Online : NoticeKind.Offline));
        if (online)
        {
            Vl1Log.Online(log, control.Id);
            sendQueue.Flush(null);
        }
        else
        {
            Vl1Log.Offline(log, control.Id, offlineAfter);
        }
    }
}
