using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1;

/// <content>The periodic tasks of the control tick (docs/protocol/2-vl1.md 2.9).</content>
internal sealed partial class Vl1Node
{
    private bool _repeatsHellos = true;
    private long _lastPingCheck = Vl1Timing.Never;
    private long _lastHousekeeping;

    [SuppressMessage(
        "Design",
        "CA1031:Do not catch general exception types",
        Justification = "A timer callback must not end the process; the failure is logged and counted.")]
    private void OnTick()
    {
        if (!_control.IsRunning)
        {
            return;
        }

        try
        {
            using (_control.Enter())
            {
                RunBackgroundTasks(Now);
            }

            _client.OnTick(Now);
        }
        catch (Exception exception)
        {
            Drops.Add(DropReason.Internal);
            Vl1Log.BackgroundTaskFailed(_log, exception);
        }
    }

    private void RunBackgroundTasks(long now)
    {
        _reassembly.Expire(now);
        _waiting.Expire(now);
        _sendQueue.Expire(now);
        _natTraversal.Expire(now);
        if (_ownEndPoints.Follow(now))
        {
            _rootContact.SendHelloToAll(now);
        }

        _upstreams.Choose(now);
        _admission.Expire();
        foreach (var peer in _peers.All)
        {
            _amplification.AskWanted(peer, now);
            if (peer.Paths.Length > 0)
            {
                _pathValidation.WatchPathInUse(peer, now);
                _router.Reroute(peer, now);
            }
        }

        _mtuDiscovery.ContinueProbes(now);
        _lookup.Repeat(now);
        _sendQueue.Flush(null);
        if (_repeatsHellos && now >= Vl1Timing.RepeatHellos)
        {
            _repeatsHellos = false;
            _rootContact.SendHelloToAll(now);
            _peerContact.RepeatHellos(now);
        }

        bool pingCheck = now - _lastPingCheck >= Vl1Timing.PingCheck;
        if (pingCheck || _rules.LoopbackOnly)
        {
            _rootContact.KeepRoots(now);
        }

        if (pingCheck)
        {
            _lastPingCheck = now;
            _worldUpdates.SeekMoons(now);
            _peerContact.Keep(_worldUpdates.RootServer, now);
        }

        if (now - _lastHousekeeping >= Vl1Timing.Housekeeping)
        {
            _lastHousekeeping = now;
            _peers.DisposeRetiredKeys();
            _peerContact.ForgetSilent(now);
            _ownEndPoints.Expire(now);
            _worldUpdates.RootServer?.Expire(now);
        }

        _onlineState.Set(IsRoot || _upstreams.AnyHeard(now));
    }
}
