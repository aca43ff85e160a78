using System.Collections.Concurrent;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Events of the link that concern all connections with a peer.</content>
internal sealed partial class TcpLayer
{
    // Connections that wait for an answer to a retransmission; few even among many connections. Indexed by key and not by reference, so
    // that their order is reproducible within a process.
    private readonly ConcurrentDictionary<ConnectionKey, TcpSocket> _awaiting = new();
    private int _awaitingCount;

    /// <summary>Whether any connection waits for an answer to a retransmission.</summary>
    public bool AwaitsAny => Volatile.Read(ref _awaitingCount) > 0;

    /// <summary>A peer was heard after a silence: connections that wait for its answer retransmit immediately.</summary>
    /// <param name="isPeer">Whether an Ethernet address, or the IP address while that is not known yet, belongs to the peer.</param>
    public void OnPeerHeard(Func<MacAddress, IpAddress, bool> isPeer)
    {
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

    /// <summary>
    /// A peer may have restarted: probes the oldest connection with it. If the peer resets that one, it has restarted and may have lost the
    /// others too, which are then probed. A peer that still has its oldest connection has not restarted since, and has all the others.
    /// </summary>
    public void OnPeerRestarted(MacAddress peer)
    {
        if (Stations.FindOldest(peer) is { } oldest)
        {
            RunBatch([oldest], static (socket, now) => socket.Probe(now, isWitness: true));
        }
    }

    /// <summary>A peer has reset the connection that was probed for all: probes each of the others once.</summary>
    internal void OnPeerForgot(MacAddress peer) => RunBatch(Stations.Of(peer), static (socket, now) => socket.Probe(now, isWitness: false));

    /// <summary>
    /// The path MTU to a station has fallen: segments in flight that exceed it are split and retransmitted without waiting for timers.
    /// </summary>
    public void OnPathNarrowed(MacAddress station) => RunBatch(Stations.Of(station), static (socket, now) => socket.OnPathNarrowed(now));

    /// <summary><see cref="TcpConnection.AwaitsPeer"/> of a connection has changed. Called under its lock.</summary>
    internal void NoteAwaiting(TcpSocket socket, bool awaits)
    {
        if (awaits)
        {
            _awaiting[socket.Key] = socket;
            Interlocked.Increment(ref _awaitingCount);
        }
        else
        {
            _awaiting.TryRemove(new KeyValuePair<ConnectionKey, TcpSocket>(socket.Key, socket));
            Interlocked.Decrement(ref _awaitingCount);
        }
    }
}
