using System.Net.Sockets;

namespace ZeroTier.Managed.IpStack;

/// <summary>One virtual Ethernet port with IPv4, IPv6 and what runs on them: frames in, frames out. Thread-safe.</summary>
internal sealed class IpStack : IDisposable
{
    public IpStack(IpStackOptions options) => Options = options;

    public IpStackOptions Options { get; }

    /// <summary>The network layer for the transports above.</summary>
    public IIpOutput Output => throw new NotImplementedException();

    /// <summary>Replaces our addresses. The link-local IPv6 address is always there besides. Connections of an address that goes away are reset.</summary>
    public void SetAddresses(ReadOnlySpan<IpInterfaceAddress> addresses) => throw new NotImplementedException();

    /// <summary>Takes one frame. Never throws for what is in it.</summary>
    public void Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload) => throw new NotImplementedException();

    /// <summary>The frames at hand have all been received: what they caused leaves.</summary>
    public void EndOfBatch() => throw new NotImplementedException();

    /// <summary>Our address to talk to a destination from; null when there is no route.</summary>
    public IpAddress? SelectSource(in IpAddress destination) => throw new NotImplementedException();

    /// <summary>Binds a UDP port; null is all our addresses, port 0 a free one.</summary>
    /// <exception cref="SocketException">The port is taken, or the address is not ours.</exception>
    public UdpSocket BindUdp(IpAddress? address, ushort port) => throw new NotImplementedException();

    /// <summary>Sends an echo request and returns the round trip time.</summary>
    /// <exception cref="TimeoutException">No answer came.</exception>
    /// <exception cref="SocketException">There is no route, or the payload is too long.</exception>
    public Task<TimeSpan> PingAsync(IpAddress destination, int payloadSize, TimeSpan timeout, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Adds the count of each drop reason, such as <c>ip.checksum</c>, to a table.</summary>
    public void AddDropped(IDictionary<string, long> counts) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
