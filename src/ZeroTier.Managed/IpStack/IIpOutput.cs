namespace ZeroTier.Managed.IpStack;

/// <summary>The IP layer as the transport protocols see it. Thread-safe.</summary>
internal interface IIpOutput
{
    /// <summary>
    /// The largest transport payload (for TCP: header and data) that leaves as one unfragmented physical datagram to this destination.
    /// </summary>
    int MaxPayload(in IpAddress destination);

    /// <summary>
    /// The transport payload that the peer should be asked not to exceed when it sends (the MSS that we announce); see
    /// <see cref="IFrameLink.ExpectedPayload"/>.
    /// </summary>
    int ExpectedPayload(in IpAddress destination) => MaxPayload(destination);

    /// <summary>Packets to this destination are not answered: the path MTU may have fallen and is to be checked.</summary>
    void Doubt(in IpAddress destination)
    {
    }

    /// <summary>Rents a batch for packets that leave together. The caller ends it with <see cref="IpBatch.Send"/>.</summary>
    IpBatch BeginBatch();
}

/// <summary>
/// IP packets that leave together. Belongs to one thread between <see cref="IIpOutput.BeginBatch"/> and <see cref="Send"/>.
/// </summary>
internal abstract class IpBatch
{
    /// <summary>
    /// Space for exactly <paramref name="length"/> bytes of transport header and data; the IP header in front of it is written by the IP
    /// layer.
    /// </summary>
    public abstract Span<byte> Reserve(in IpAddress source, in IpAddress destination, IpProtocol protocol, int length);

    /// <summary>Adds the reserved bytes, which the caller has written, checksum included, to the batch.</summary>
    public abstract void Commit();

    /// <summary>Sends what was committed and returns the batch to its pool. Must be called exactly once.</summary>
    public abstract void Send();
}
