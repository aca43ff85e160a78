using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>What the link knows of peers and connections cannot see.</content>
internal sealed partial class TcpLayer
{
    // Connections that have repeated something in vain: few, also where there are many connections.
    private readonly ConcurrentDictionary<TcpSocket, byte> _awaiting = new();

    /// <summary>Somebody was heard after a silence: what waits for an answer of theirs is repeated at once. Cheap while nothing does.</summary>
    /// <param name="isPeer">Whether a link address, or where that is not known yet an address, is theirs.</param>
    public void OnPeerHeard(Func<MacAddress, IpAddress, bool> isPeer)
    {
        if (_awaiting.IsEmpty)
        {
            return;
        }

        long now = Now;
        foreach (KeyValuePair<TcpSocket, byte> entry in _awaiting)
        {
            if (isPeer(entry.Key.RemoteMac, entry.Key.RemoteAddress))
            {
                entry.Key.OnPeerHeard(now);
                MarkPending(entry.Key);
            }
        }

        EndOfBatch();
    }

    /// <summary>Somebody may have restarted: each connection with them is probed once, so that one which is gone there ends here.</summary>
    public void OnPeerRestarted(MacAddress peer)
    {
        long now = Now;
        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _sockets)
        {
            if (entry.Value.RemoteMac == peer)
            {
                entry.Value.Probe(now);
                MarkPending(entry.Value);
            }
        }

        EndOfBatch();
    }

    /// <summary>The connection has begun or ceased to wait for its peer. Called under its lock.</summary>
    internal void NoteAwaiting(TcpSocket socket, bool awaits)
    {
        if (awaits)
        {
            _awaiting.TryAdd(socket, 0);
        }
        else
        {
            _awaiting.TryRemove(socket, out _);
        }
    }
}
