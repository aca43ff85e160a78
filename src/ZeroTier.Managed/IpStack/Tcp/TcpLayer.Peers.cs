using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Events of the link that concern all connections with a peer.</content>
internal sealed partial class TcpLayer
{
    // Connections that wait for an answer to a retransmission; few even among many connections. Indexed by key and not by reference, so
    // that their order is reproducible within a process.
    private readonly ConcurrentDictionary<ConnectionKey, TcpSocket> _awaiting = new();

    /// <summary>
    /// A peer was heard after a silence: connections that wait for its answer retransmit immediately. Cheap while none does.
    /// </summary>
    /// <param name="isPeer">Whether an Ethernet address, or the IP address while that is not known yet, belongs to the peer.</param>
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
                Received.Add(entry.Value);
            }
        }

        EndOfBatch();
    }

    /// <summary>A peer may have restarted: probes each connection with it once; the peer resets those that it no longer has.</summary>
    public void OnPeerRestarted(MacAddress peer)
    {
        long now = Now;
        foreach (KeyValuePair<ConnectionKey, TcpSocket> entry in _sockets)
        {
            if (entry.Value.RemoteMac == peer)
            {
                entry.Value.Probe(now);
                Received.Add(entry.Value);
            }
        }

        EndOfBatch();
    }

    /// <summary><see cref="TcpConnection.AwaitsPeer"/> of a connection has changed. Called under its lock.</summary>
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
