using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Node;

/// <summary>Translates errors of the stack to exceptions of the public API.</summary>
internal static class ConnectionErrors
{
    /// <summary>
    /// The error of an open connection. An abort reason of the application is returned unchanged; a cause, such as a memory pool's
    /// exception, becomes the inner exception.
    /// </summary>
    public static ZeroTierException OfConnection(TcpException error) =>
        error.InnerException as ZeroTierException ?? new ZeroTierException(Kind(error), error.Message, error.InnerException);

    /// <summary>Wraps an application's abort reason for the stack; OfConnection returns it unchanged.</summary>
    public static TcpException Wrap(ZeroTierException? reason) => reason is null
        ? new TcpException(TcpError.ConnectionAborted, "The connection was aborted by this end.")
        : new TcpException(TcpError.ConnectionAborted, reason.Message, reason);

    public static ZeroTierException OfConnect(TcpException error, IPEndPoint remote, NetworkId network) => error.Error switch
    {
        TcpError.ConnectionRefused => new ZeroTierException(
            ZeroTierError.ConnectionRefused,
            $"{remote} on network {network} refused the connection: nothing listens on port {remote.Port} there. Check the port, and that "
            + "the server runs.",
            error),
        TcpError.TimedOut => new ZeroTierException(
            ZeroTierError.TimedOut,
            $"{remote} on network {network} did not answer. Check that the node is running, has joined the network, and uses "
            + "the same roots.",
            error),
        _ => new ZeroTierException(Kind(error), $"Connecting to {remote} on network {network} failed: {error.Message}", error),
    };

    public static ZeroTierException OfListen(TcpException error, ZeroTierEndPoint endPoint) => error.Error switch
    {
        TcpError.AddressInUse => InUse("TCP", endPoint, error),
        _ => new ZeroTierException(Kind(error), $"Listening on {endPoint} failed: {error.Message}", error),
    };

    public static ZeroTierException OfUdp(SocketException error, ZeroTierEndPoint endPoint) => error.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => InUse("UDP", endPoint, error),
        SocketError.AddressNotAvailable => new ZeroTierException(
            ZeroTierError.AddressNotAvailable, $"{endPoint.Address} is not an address of this node on network {endPoint.Network}.", error),
        SocketError.NetworkUnreachable or SocketError.HostUnreachable => new ZeroTierException(
            ZeroTierError.AddressNotAvailable, $"No route: the destination is not on network {endPoint.Network}.", error),
        SocketError.MessageSize =>
            new ZeroTierException(ZeroTierError.NotPermitted, "The datagram is too long: at most 65,527 bytes fit into one.", error),
        SocketError.NoBufferSpaceAvailable => new ZeroTierException(
            ZeroTierError.NotPermitted,
            $"Sockets of this node have joined {HostGroups.MaxGroups} multicast groups on network {endPoint.Network}, which is the limit. "
            + "Leave a group first.",
            error),
        SocketError.AddressFamilyNotSupported => new ZeroTierException(
            ZeroTierError.AddressNotAvailable, $"Network {endPoint.Network} gives this node no address of that family.", error),
        _ => new ZeroTierException(ZeroTierError.ConnectionAborted, $"The UDP port {endPoint} is closed.", error),
    };

    private static ZeroTierException InUse(string protocol, ZeroTierEndPoint endPoint, Exception error) => new(
        ZeroTierError.AddressInUse,
        $"{protocol} port {endPoint.Port} of this node on network {endPoint.Network} is taken. Close the other listener, choose another "
        + "port, or port 0 for any free one.",
        error);

    private static ZeroTierError Kind(TcpException error) => error.Error switch
    {
        TcpError.AddressInUse => ZeroTierError.AddressInUse,
        TcpError.AddressNotAvailable => ZeroTierError.AddressNotAvailable,
        TcpError.ConnectionRefused => ZeroTierError.ConnectionRefused,
        TcpError.ConnectionReset => ZeroTierError.ConnectionReset,
        TcpError.TimedOut => ZeroTierError.TimedOut,
        _ => ZeroTierError.ConnectionAborted,
    };
}
