using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Managed;

/// <summary>Which UDP sockets <see cref="UdpDatagramTransport.Open(UdpDatagramTransportOptions)"/> opens, and how.</summary>
public sealed record UdpDatagramTransportOptions
{
    /// <summary>The UDP port on every address, 0 to 65535; 0 takes one that is free on all of them. Default 0.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The addresses to bind, one socket each; an address that cannot be bound is an error. 0.0.0.0 and :: are allowed and cover one family
    /// each. Default: none given, which means every address of this machine that other machines can reach, also those that it gets or loses
    /// later. Wins over <see cref="LoopbackOnly"/>.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>Binds 127.0.0.1 and, where the system has it, ::1, and nothing else. Default false.</summary>
    public bool LoopbackOnly { get; init; }

    /// <summary>
    /// Begins of the names of network interfaces whose addresses are not bound, such as <c>docker</c>, whatever their case; without effect
    /// on <see cref="BindAddresses"/>. Interfaces <c>lo</c>, <c>zt</c>, <c>tun</c> and <c>tap</c> never are. Default: none.
    /// </summary>
    public IReadOnlyList<string> BlockedInterfaces { get; init; } = [];

    /// <summary>Networks whose addresses are not bound; without effect on <see cref="BindAddresses"/>. Default: none.</summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>
    /// Size asked for each socket's receive buffer in bytes, 64 KiB to 1 GiB; the system may give less. Default 16 MiB: room for the
    /// windows of several connections while the receive thread waits for a processor. Memory is taken only for what waits there.
    /// </summary>
    public int ReceiveBufferBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Size asked for each socket's send buffer in bytes, 64 KiB to 1 GiB; the system may give less. Default 4 MiB.</summary>
    public int SendBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Lets the system cut a run of datagrams that is sent in one call (UDP_SEGMENT), where it can. Default true.</summary>
    public bool SegmentationOffload { get; init; } = true;

    /// <summary>Takes runs of datagrams from the system in one piece (UDP_GRO), where it can. Default true.</summary>
    public bool ReceiveCoalescing { get; init; } = true;

    /// <summary>Uses .NET sockets only, even where a faster way exists; both settings above then have no effect. Default false.</summary>
    public bool PortableSockets { get; init; }

    /// <summary>The clock by which the machine's addresses are looked at again. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
