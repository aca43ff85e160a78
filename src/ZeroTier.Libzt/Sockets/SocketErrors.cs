using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The errors of sockets, with messages that give what failed, the likely cause and the remedy.</summary>
internal static class SocketErrors
{
    internal static ZeroTierException NotRunning() =>
        new(ZeroTierError.NotRunning, "The node is not running, or is just stopping. Start it first.");

    /// <summary>The error of an established connection.</summary>
    internal static ZeroTierException OfConnection(Errno error, IPEndPoint remote) => error switch
    {
        Errno.Reset or Errno.NotConnected => new ZeroTierException(ZeroTierError.ConnectionReset, $"{remote} reset the connection."),
        Errno.Aborted => new ZeroTierException(
            ZeroTierError.TimedOut,
            $"{remote} no longer answers: keep-alive probes or retransmissions went unanswered. Check that its node is "
            + "running and online."),
        _ => new ZeroTierException(
            ErrnoTable.ToError(error, SocketOperation.Receive), $"The connection to {remote} failed: {ErrnoTable.Describe(error)}."),
    };

    internal static ZeroTierException Aborted() => new(ZeroTierError.ConnectionAborted, "The connection was aborted by this end.");

    internal static ZeroTierException Stopped() => new(ZeroTierError.ConnectionAborted, "The node was stopped.");

    internal static ZeroTierException Left(NetworkId network) => new(ZeroTierError.ConnectionAborted, $"Network {network} was left.");

    internal static ZeroTierException NodeGone() => new(
        ZeroTierError.ConnectionAborted, "libzt's node has ended by itself. The node's fatal error tells why; stop and start it to go on.");

    internal static ZeroTierException Abandoned(IPEndPoint remote) => new(
        ZeroTierError.TimedOut, $"{remote} stopped taking what was written before the connection was closed.");

    internal static ZeroTierException NotAccepted() =>
        new(ZeroTierError.ConnectionAborted, "The listener was closed before the connection was accepted.");

    /// <summary>The error of an attempt to connect.</summary>
    internal static ZeroTierException OfConnect(Errno error, IPEndPoint remote, NetworkId network) => error switch
    {
        Errno.Reset => new ZeroTierException(
            ZeroTierError.ConnectionRefused,
            $"{remote} on network {network} refused the connection: nothing listens on port {remote.Port} there. Check the port, and that "
            + "the server runs."),
        Errno.Aborted or Errno.Again => new ZeroTierException(
            ZeroTierError.TimedOut,
            $"{remote} on network {network} did not answer. Check that the node is running, has joined the network, and uses "
            + "the same roots."),
        Errno.NoRoute => new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            $"libzt still has no route to {remote} on network {network}. An address is usable about two seconds after it was assigned; "
            + "check that the node has not left the network."),
        Errno.NoBuffers => new ZeroTierException(
            ZeroTierError.NotPermitted,
            $"libzt has no local port left to connect to {remote}: each connection holds one for two minutes after it was closed by this "
            + "end. Keep connections open and reuse them."),
        Errno.TableFull => NoDescriptor($"Connecting to {remote}"),
        _ => new ZeroTierException(
            ErrnoTable.ToError(error, SocketOperation.Connect),
            $"Connecting to {remote} on network {network} failed: {ErrnoTable.Describe(error)}."),
    };

    internal static ZeroTierException NoAddress(ZeroTierEndPoint endPoint) => new(
        ZeroTierError.AddressNotAvailable,
        $"{endPoint} names no address to connect to. Give the other node's address on network {endPoint.Network}.");

    internal static ZeroTierException NoRoute(IPAddress destination, NetworkView network) => new(
        ZeroTierError.AddressNotAvailable,
        $"No route to {destination}: it is not on network {network.Id}, where this node has {string.Join(", ", network.Addresses)}. libzt "
        + "reaches only what is on the same link.");

    internal static ZeroTierException NoLoopback(IPAddress destination, NetworkId network) => new(
        ZeroTierError.NotSupported,
        $"{destination} is this node's own address on network {network}, and libzt has no loopback. Use a socket of the operating system, "
        + "or the managed engine.");

    /// <summary>Too few descriptors are left in libzt's table (docs/protocol/4-libzt-api.md rule 14).</summary>
    internal static ZeroTierException NoDescriptor(string what) => new(
        ZeroTierError.NotPermitted,
        $"{what} needs a socket, and nearly all of libzt's {Zts.MaxDescriptors} are in use. Close connections that are no longer needed, "
        + "or use the managed engine, which has no such limit.");

    internal static ZeroTierException InUse(ZtsSocketType type, ZeroTierEndPoint endPoint) => new(
        ZeroTierError.AddressInUse,
        $"{Name(type)} port {endPoint.Port} of this node on network {endPoint.Network} is taken. Close the other listener, choose another "
        + "port, or port 0 for any free one.");

    internal static ZeroTierException OfBind(Errno error, ZtsSocketType type, ZeroTierEndPoint endPoint) => error switch
    {
        Errno.AddressInUse => InUse(type, endPoint),
        Errno.TableFull => NoDescriptor($"Binding {Name(type)} {endPoint}"),
        _ => new ZeroTierException(
            ErrnoTable.ToError(error, SocketOperation.Bind), $"Binding {Name(type)} {endPoint} failed: {ErrnoTable.Describe(error)}."),
    };

    internal static ZeroTierException DatagramTooLong(int length, int limit) => new(
        ZeroTierError.NotPermitted, $"The datagram is too long: {length:N0} bytes, and at most {limit:N0} fit into one.");

    internal static ZeroTierException DatagramPortClosed(ZeroTierEndPoint endPoint) =>
        new(ZeroTierError.ConnectionAborted, $"The UDP port {endPoint} is closed.");

    internal static ZeroTierException NoFamily(NetworkId network) => new(
        ZeroTierError.AddressNotAvailable, $"Network {network} gives this node no address of that family.");

    private static string Name(ZtsSocketType type) => type == ZtsSocketType.Stream ? "TCP" : "UDP";
}
