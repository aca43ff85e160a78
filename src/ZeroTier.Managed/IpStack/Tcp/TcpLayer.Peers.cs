using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Events of the link that concern all connections with a peer.</content>
internal sealed partial class TcpLayer
{
    // Connections that have retransmitted without an answer: few even among many connections. By key, whose order is the same in every run
    // of one process, as that of references is not.
    private readonly ConcurrentDictionary<ConnectionKey, TcpSocket> _awaiting = new();

    /// <summary>A peer was heard after a silence: connections that wait for its answer retransmit at once. Cheap while none does.</summary>
    /// <param name="isPeer">Whether an Ethernet address, or an IP address where the former is not known yet, is the peer's.</param>
    public void OnPeerHeard(Func<MacAddress, IpAddress, bool> isPeer)
    {
        if (_awaiting.IsEmpty)
        {
            return;
        }

        long now = Now;
        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _awaiting)
        {
            if (isPeer(entry.Value.RemoteMac, entry.Value.RemoteAddress))
            {
                entry.Value.OnPeerHeard(now);
                MarkPending(entry.Value);
            }
        }

        EndOfBatch();
    }

    /// <summary>A peer may have restarted: each connection with it is probed once, and reset by the peer if it no longer has it.</summary>
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
            _awaiting[socket.Key] = socket;
        }
        else
        {
            _awaiting.TryRemove(new KeyValuePair<ConnectionKey, TcpSocket>(socket.Key, socket));
        }
    }
}
