using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// A server address while the network has not given this node one yet: <c>NODE.NETWORK.zt:port</c>, which <see cref="ZeroTierHttpHandler"/>
/// can call (rule 4.3).
/// </summary>
internal sealed class NameEndPoint(NodeId node, NetworkId network, int port) : EndPoint
{
    public string Host => ZeroTierName.Of(node, network);

    public int Port => port;

    public override AddressFamily AddressFamily => AddressFamily.Unspecified;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}");
}
