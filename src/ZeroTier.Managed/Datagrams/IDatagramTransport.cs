namespace ZeroTier.Managed;

/// <summary>
/// The physical network below a node: a few bound UDP sockets, numbered from 0. Injected, so that whole networks run in memory in virtual
/// time.
/// </summary>
/// <remarks>
/// Sending is thread-safe. A send never blocks for long and never throws for what the network does: datagrams may be lost.
/// </remarks>
public interface IDatagramTransport : IAsyncDisposable
{
    /// <summary>
    /// The local address of each socket; the index is the socket's number. Where the machine's addresses change, a new list takes the place
    /// of this one: a number may then name another address of the same family, or <see cref="InetEndPoint.IsNone"/> while it has none, and
    /// numbers may be added, but none goes.
    /// </summary>
    IReadOnlyList<InetEndPoint> LocalEndPoints { get; }

    /// <summary>
    /// Begins delivery to the receiver. Called once. Each socket's datagrams are delivered by one thread at a time; different sockets may
    /// deliver at the same time.
    /// </summary>
    void Start(IDatagramReceiver receiver);

    /// <summary>
    /// Sends one datagram, or, when <paramref name="segmentSize"/> is smaller than the data, a run of datagrams of that size
    /// (the last may be shorter), all to one destination.
    /// </summary>
    /// <param name="socket">The socket's number.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="datagrams">The datagrams, back to back; at most 65,507 bytes and 64 datagrams.</param>
    /// <param name="segmentSize">Bytes of each datagram but the last.</param>
    void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>
    /// Sends one datagram that should die after <paramref name="hops"/> routers; where the system cannot, it is sent with the normal limit.
    /// </summary>
    void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops);
}

/// <summary>Takes what arrives.</summary>
public interface IDatagramReceiver
{
    /// <summary>One datagram. The span may be changed (decrypted in place) and is valid only during the call. Must not throw.</summary>
    void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram);

    /// <summary>
    /// The system has refused to send a datagram because it is larger than the first link carries. Called from within the send. It is a
    /// hint: where sizes are not looked after, such datagrams are lost as others are.
    /// </summary>
    /// <param name="socket">The socket's number.</param>
    /// <param name="destination">Where it was to go.</param>
    /// <param name="size">Its bytes.</param>
    void OnRefused(int socket, in InetEndPoint destination, int size)
    {
    }

    /// <summary>The datagrams that were at hand have all been delivered: the time to flush what they caused.</summary>
    void OnBatchEnd(int socket);
}
