namespace ZeroTier.Managed;

/// <summary>
/// The physical network of a node: a few bound UDP sockets, numbered from 0. Injected, so that whole networks can run in memory and in
/// virtual time.
/// </summary>
/// <remarks>
/// Sending is thread-safe. A send never blocks for long, and never throws because of network errors: datagrams may be lost. What a receiver
/// sends while it handles a batch of received datagrams may leave only at the batch's end, then in the order in which it was sent.
/// </remarks>
public interface IDatagramTransport : IAsyncDisposable
{
    /// <summary>
    /// The local endpoint of each socket; the index is the socket number. When the machine's addresses change, the list is replaced by a
    /// new one, in which a number may have another address of the same family, or none (<see cref="InetEndPoint.IsNone"/>). Numbers may be
    /// added, but are never removed.
    /// </summary>
    IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

    /// <summary>
    /// Starts delivery to the receiver. Called once. Datagrams of one source are delivered by one thread at a time, in the order of their
    /// arrival; those of different sources may be delivered at the same time.
    /// </summary>
    void Start(IDatagramReceiver receiver);

    /// <summary>
    /// Sends one datagram, or, when <paramref name="segmentSize"/> is smaller than the data, a run of datagrams of that size
    /// (the last may be shorter), all to one destination.
    /// </summary>
    /// <param name="socket">The socket number.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="datagrams">The datagrams, back to back; at most 65,507 bytes and 64 datagrams.</param>
    /// <param name="segmentSize">Bytes of each datagram but the last.</param>
    void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>
    /// Sends one datagram with a hop limit (TTL) of <paramref name="hops"/>; on systems without support for that, with the default limit.
    /// </summary>
    void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops);
}

/// <summary>Receives the datagrams and events of a transport.</summary>
public interface IDatagramReceiver
{
    /// <summary>
    /// A datagram was received. The span may be modified (decrypted in place) and is valid only during the call. Must not throw.
    /// </summary>
    void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram);

    /// <summary>
    /// The system has refused to send a datagram because it is larger than the MTU of the first link. Called during the send. It is only a
    /// hint: a transport that does not report this just loses such datagrams.
    /// </summary>
    /// <param name="socket">The socket number.</param>
    /// <param name="destination">The destination of the datagram.</param>
    /// <param name="size">Its length in bytes.</param>
    void OnRefused(int socket, in InetEndPoint destination, int size)
    {
    }

    /// <summary>
    /// All available datagrams have been delivered: the time to send what they caused. Called by the thread that has delivered them.
    /// </summary>
    void OnBatchEnd(int socket);
}
