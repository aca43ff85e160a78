namespace ZeroTier.Managed.IpStack;

/// <summary>The network layer as the transports above it see it. Thread-safe.</summary>
internal interface IIpOutput
{
    /// <summary>
    /// The largest transport payload (for TCP: header and data) that leaves as one unfragmented physical datagram to this destination.
    /// </summary>
    int MaxPayload(in IpAddress destination);

    /// <summary>
    /// As <see cref="MaxPayload"/>, but the usual size until that of the path is known: the most that the other end should be asked to
    /// send.
    /// </summary>
    int ExpectedPayload(in IpAddress destination) => MaxPayload(destination);

    /// <summary>Packets to this destination are not answered: its path may have become narrower.</summary>
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
    /// Room for exactly <paramref name="length"/> bytes of transport header and data; the IP header before it is written by the network
    /// layer.
    /// </summary>
    public abstract Span<byte> Reserve(in IpAddress source, in IpAddress destination, IpProtocol protocol, int length);

    /// <summary>The reserved bytes, checksum included, are written.</summary>
    public abstract void Commit();

    /// <summary>Sends what was committed and gives the batch back. Must be called exactly once.</summary>
    public abstract void Send();
}
