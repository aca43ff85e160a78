using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>Log messages of the UDP sockets and the TCP relay; ids 1100 to 1129.</summary>
internal static partial class UdpLog
{
    [LoggerMessage(1100, LogLevel.Debug,
        "Bound UDP {EndPoint}: segmentation offload {Segmentation}, receive coalescing {Coalescing}, receive buffer "
        + "{ReceiveBuffer} bytes.")]
    public static partial void Bound(ILogger logger, InetEndPoint endPoint, bool segmentation, bool coalescing, int receiveBuffer);

    [LoggerMessage(1101, LogLevel.Information,
        "The system refused UDP segmentation offload on {EndPoint} (errno {Errno}); datagrams are sent one by one from now on.")]
    public static partial void SegmentationRefused(ILogger logger, InetEndPoint endPoint, int errno);

    [LoggerMessage(1102, LogLevel.Information,
        "The system refused UDP receive coalescing on {EndPoint} (errno {Errno}); datagrams are received one by one.")]
    public static partial void CoalescingRefused(ILogger logger, InetEndPoint endPoint, int errno);

    [LoggerMessage(1103, LogLevel.Information, "The fast UDP path is not available ({Reason}); .NET sockets are used.")]
    public static partial void FastPathUnavailable(ILogger logger, string reason);

    [LoggerMessage(1104, LogLevel.Warning, "Receiving on UDP {EndPoint} keeps failing ({Error}); trying again ten times a second.")]
    public static partial void ReceiveKeepsFailing(ILogger logger, InetEndPoint endPoint, SocketError error);

    [LoggerMessage(1105, LogLevel.Error,
        "Handling datagrams from UDP {EndPoint} threw; they were dropped. Further cases are counted only.")]
    public static partial void ReceiverThrew(ILogger logger, Exception exception, InetEndPoint endPoint);

    [LoggerMessage(1106, LogLevel.Debug, "Skipped UDP {EndPoint}: {Error}.")]
    public static partial void AddressSkipped(ILogger logger, InetEndPoint endPoint, SocketError error);

    [LoggerMessage(1107, LogLevel.Information, "The machine's addresses have changed; the node uses {EndPoints} now.")]
    public static partial void AddressesChanged(ILogger logger, string endPoints);

    [LoggerMessage(1108, LogLevel.Warning, "The machine has no address left that others can reach; the node waits for one.")]
    public static partial void NoAddressLeft(ILogger logger);

    [LoggerMessage(1109, LogLevel.Warning,
        "The machine's addresses cannot be followed; the node keeps those it has and tries again in {Interval}.")]
    public static partial void AddressesNotFollowed(ILogger logger, TimeSpan interval, Exception exception);

    [LoggerMessage(1110, LogLevel.Debug,
        "The system does not report changes of its addresses ({Reason}); they are looked at every {Interval}.")]
    public static partial void ChangesNotReported(ILogger logger, string reason, TimeSpan interval);

    [LoggerMessage(1111, LogLevel.Warning,
        "The machine's new address cannot be used: UDP {EndPoint} is taken by another program; trying again in {Interval}.")]
    public static partial void PortTaken(ILogger logger, InetEndPoint endPoint, TimeSpan interval);

    [LoggerMessage(1124, LogLevel.Debug, "The system refused a further receive thread on UDP {EndPoint}: {Error}.")]
    public static partial void ThreadsRefused(ILogger logger, InetEndPoint endPoint, SocketError error);

    [LoggerMessage(1120, LogLevel.Error, "{Transport} failed to send: the datagram is lost. Later failures are not logged.")]
    public static partial void TransportThrew(ILogger logger, string transport, Exception exception);

    [LoggerMessage(1121, LogLevel.Error,
        "What {Transport} delivered could not be handled; the datagram is dropped. Later failures are not logged.")]
    public static partial void DatagramFailed(ILogger logger, string transport, Exception exception);

    [LoggerMessage(1112, LogLevel.Information,
        "The system refuses recvmmsg on {EndPoint} (errno {Errno}), perhaps by a sandbox; datagrams are received one by one.")]
    public static partial void BatchesRefused(ILogger logger, InetEndPoint endPoint, int errno);

    [LoggerMessage(1113, LogLevel.Information,
        "The system does not list its network interfaces ({Reason}): a sandbox may forbid netlink sockets. The node uses {Addresses}, and "
        + "looks for changes only now and then.")]
    public static partial void InterfacesNotListed(ILogger logger, string reason, string addresses);

    [LoggerMessage(1114, LogLevel.Warning,
        "No root is heard by UDP, which a firewall may hold back: the TCP relay {Relay} is used until one is. It is slower.")]
    public static partial void RelayEngaged(ILogger logger, IPEndPoint relay);

    [LoggerMessage(1115, LogLevel.Information, "The TCP relay {Relay} is no longer used: a root is heard by UDP.")]
    public static partial void RelayReleased(ILogger logger, IPEndPoint relay);

    [LoggerMessage(1116, LogLevel.Information, "The TCP relay {Relay} has closed the connection; trying again.")]
    public static partial void RelayClosed(ILogger logger, IPEndPoint relay);

    [LoggerMessage(1117, LogLevel.Warning,
        "No root is heard by UDP, and the TCP relay {Relay} cannot be used: {Reason} Trying again every {Interval}. Check that it runs "
        + "there and that TCP is let through.")]
    public static partial void RelayFailed(ILogger logger, IPEndPoint relay, string reason, TimeSpan interval);

    [LoggerMessage(1118, LogLevel.Information, "Nodes whose network lets no UDP through are taken by TCP on {EndPoint}.")]
    public static partial void Relaying(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(1119, LogLevel.Warning, "The TCP relay on {EndPoint} cannot take connections ({Error}); trying again every second.")]
    public static partial void RelayAcceptFailed(ILogger logger, IPEndPoint endPoint, SocketError error);

    [LoggerMessage(1123, LogLevel.Information,
        "The system refuses sendmmsg on {EndPoint} (errno {Errno}), perhaps by a sandbox; datagrams are sent one by one.")]
    public static partial void ManyRefused(ILogger logger, InetEndPoint endPoint, int errno);

    [LoggerMessage(1122, LogLevel.Warning,
        "The TCP relay is full: it takes {Limit} connections, {LimitPerAddress} from one address; further ones are refused. Logged once.")]
    public static partial void RelayFull(ILogger logger, int limit, int limitPerAddress);
}
