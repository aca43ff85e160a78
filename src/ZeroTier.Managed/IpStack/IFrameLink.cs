namespace ZeroTier.Managed.IpStack;

/// <summary>The virtual Ethernet below the stack. Thread-safe.</summary>
internal interface IFrameLink
{
    /// <summary>Rents a batch for frames that leave together. The caller ends it with <see cref="FrameBatch.Send"/>.</summary>
    FrameBatch BeginBatch();

    /// <summary>
    /// Largest Ethernet payload that currently leaves as one physical datagram to a station; it follows the path MTU. For an unknown
    /// station: the usual size.
    /// </summary>
    int UnfragmentedPayload(MacAddress destination);

    /// <summary>
    /// As <see cref="UnfragmentedPayload"/>, but the usual size until that of this path is known: the most that the station should be asked
    /// to send.
    /// </summary>
    int ExpectedPayload(MacAddress destination);

    /// <summary>Answers of a station are missing: its path may have become narrower.</summary>
    void Doubt(MacAddress destination);

    /// <summary>
    /// Frames to a group are wanted. Joins are counted, since several IP groups share an Ethernet group; a join may come after the leave
    /// that ends it.
    /// </summary>
    void Join(MacAddress group);

    /// <summary>The reverse of <see cref="Join"/>.</summary>
    void Leave(MacAddress group);
}

/// <summary>
/// Frames that leave together. The link leaves room for its own headers, so that a frame is written once and encrypted where it lies.
/// Belongs to one thread between <see cref="IFrameLink.BeginBatch"/> and <see cref="Send"/>.
/// </summary>
internal abstract class FrameBatch
{
    /// <summary>
    /// Room for exactly <paramref name="length"/> bytes of Ethernet payload. A reservation that is not committed is given back by the next
    /// one.
    /// </summary>
    public abstract Span<byte> Reserve(int length);

    /// <summary>The reserved bytes are written and leave for this destination. A full batch sends what it holds by itself.</summary>
    public abstract void Commit(MacAddress destination, ushort etherType);

    /// <summary>Sends what was committed and gives the batch back. Must be called exactly once, even when nothing was committed.</summary>
    public abstract void Send();
}
