namespace ZeroTier.Managed.IpStack;

/// <summary>The virtual Ethernet below the stack. Thread-safe.</summary>
internal interface IFrameLink
{
    /// <summary>Rents a batch for frames that leave together. The caller ends it with <see cref="FrameBatch.Send"/>.</summary>
    FrameBatch BeginBatch();

    /// <summary>
    /// Largest Ethernet payload that currently leaves as one physical datagram to a station, in bytes; it follows the path MTU. For an
    /// station whose node is not known: the payload that fits the datagrams that nodes use on every path.
    /// </summary>
    int UnfragmentedPayload(MacAddress destination);

    /// <summary>
    /// The size that the station should be asked not to exceed when it sends (the MSS that we announce), in bytes. The station fragments
    /// what is longer than the datagrams that nodes use on every path, so this is small only where the path carries less than those.
    /// </summary>
    int ExpectedPayload(MacAddress destination);

    /// <summary>A station no longer answers: the path MTU to it may have fallen and is to be checked.</summary>
    void Doubt(MacAddress destination);

    /// <summary>
    /// Subscribes to an Ethernet multicast group. Joins are counted, since several IP groups map to one Ethernet group. Calls may be
    /// reordered: a leave can arrive before the join that it undoes.
    /// </summary>
    void Join(MacAddress group);

    /// <summary>The reverse of <see cref="Join"/>.</summary>
    void Leave(MacAddress group);
}

/// <summary>
/// Frames that leave together. The link reserves space for its own headers, so that a frame is written once and encrypted in place.
/// Belongs to one thread between <see cref="IFrameLink.BeginBatch"/> and <see cref="Send"/>.
/// </summary>
internal abstract class FrameBatch
{
    /// <summary>
    /// Space for exactly <paramref name="length"/> bytes of Ethernet payload. A reservation that was not committed is released by the next
    /// one.
    /// </summary>
    public abstract Span<byte> Reserve(int length);

    /// <summary>
    /// Adds the reserved bytes, which the caller has written, to the batch as a frame for this destination. A full batch is sent
    /// immediately.
    /// </summary>
    public abstract void Commit(MacAddress destination, ushort etherType);

    /// <summary>
    /// Sends what was committed and returns the batch to its pool. Must be called exactly once, even when nothing was committed.
    /// </summary>
    public abstract void Send();
}
