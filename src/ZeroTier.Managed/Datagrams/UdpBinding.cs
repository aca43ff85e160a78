using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Datagrams;

/// <summary>Opens and binds the sockets of a <see cref="UdpDatagramTransport"/>.</summary>
internal static class UdpBinding
{
    private const int AttemptsForFreePort = 16;
    private const string SandboxRemedy =
        "A sandbox (seccomp) around the process must allow the calls of UDP sockets and epoll; with systemd for example "
        + "SystemCallFilter=@system-service.";

    /// <summary>Binds all addresses to the same port. On failure no socket stays open.</summary>
    /// <param name="options">The addresses, port and socket options.</param>
    /// <param name="calls">The system calls.</param>
    /// <param name="machine">The machine's own addresses, used if the options contain none.</param>
    public static List<UdpSocketGroup> Bind(UdpDatagramTransportOptions options, ILinuxUdpCalls calls, IReadOnlyList<IPAddress> machine)
    {
        Check(options);
        var addresses = Addresses(options, machine);
        for (int attempt = 1; ; attempt++)
        {
            var bound = new List<Socket>();
            var current = addresses[0];
            try
            {
                BindAll(options, addresses, bound, ref current);
                return [.. bound.Select((socket, index) => Group(options, calls, socket, index, new UdpCounters()))];
            }
            catch (Exception cause)
            {
                bound.ForEach(socket => socket.Dispose());
                if (cause is TypeInitializationException)
                {
                    // .NET creates its shared poll engine with the first socket, which may fail even if it is not needed.
                    throw new ZeroTierException(
                        ZeroTierError.Underlay,
                        $"The framework can open no socket: {cause.GetBaseException().Message}. {SandboxRemedy}",
                        cause);
                }

                if (cause is not SocketException e)
                {
                    throw;
                }

                // A port that the system chose as free on the first address may be taken on another one.
                if (options.Port == 0 && e.SocketErrorCode == SocketError.AddressAlreadyInUse && attempt < AttemptsForFreePort)
                {
                    continue;
                }

                throw Explain(options, current, e);
            }
        }
    }

    /// <summary>Binds an address that the machine has got in the meantime.</summary>
    /// <returns>Null when it cannot be bound now; the next enumeration of addresses tries again.</returns>
    public static UdpSocketGroup? TryBind(
        UdpDatagramTransportOptions options, ILinuxUdpCalls calls, InetEndPoint endPoint, int index, UdpCounters counters)
    {
        try
        {
            return Group(options, calls, Open(options, endPoint.ToIPEndPoint()), index, counters);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            UdpLog.PortTaken(options.Logger, endPoint, AddressWatch.Interval);
            return null;
        }
        catch (SocketException e)
        {
            UdpLog.AddressSkipped(options.Logger, endPoint, e.SocketErrorCode);
            return null;
        }
    }

    private static void Check(UdpDatagramTransportOptions options)
    {
        if (options.Port is < 0 or > 65535)
        {
            throw new ArgumentException(
                $"Port is {options.Port}; it must be from 0 to 65535, for example 9993, or 0 for any free port.", nameof(options));
        }

        UdpDatagramTransportOptions.CheckReceiveThreads(options.ReceiveThreads);
        CheckBuffer(options.ReceiveBufferBytes, nameof(options.ReceiveBufferBytes));
        CheckBuffer(options.SendBufferBytes, nameof(options.SendBufferBytes));
    }

    private static void CheckBuffer(int bytes, string name)
    {
        if (bytes is < 65536 or > 1 << 30)
        {
            throw new ArgumentException($"{name} is {bytes}; it must be from 65536 to 1073741824, for example 4194304.", name);
        }
    }

    private static List<IPAddress> Addresses(UdpDatagramTransportOptions options, IReadOnlyList<IPAddress> machine)
    {
        if (options.BindAddresses.Count > 0)
        {
            return [.. options.BindAddresses.Distinct()];
        }

        if (options.LoopbackOnly)
        {
            return Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
        }

        List<IPAddress> addresses = [.. machine];
        if (addresses.Count == 0)
        {
            // No network yet: wildcard addresses work as soon as there is one.
            addresses.Add(IPAddress.Any);
            if (Socket.OSSupportsIPv6)
            {
                addresses.Add(IPAddress.IPv6Any);
            }
        }

        return addresses;
    }

    private static void BindAll(UdpDatagramTransportOptions options, List<IPAddress> addresses, List<Socket> bound, ref IPAddress current)
    {
        int port = options.Port;
        SocketException? skipped = null;
        foreach (var address in addresses)
        {
            current = address;
            try
            {
                var socket = Open(options, new IPEndPoint(address, port));
                bound.Add(socket);
                port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            }
            catch (SocketException e)
                when (IsOptional(options, address, bound.Count) && e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                UdpLog.AddressSkipped(options.Logger, InetEndPoint.From(new IPEndPoint(address, port)), e.SocketErrorCode);
                skipped = e;
            }
        }

        if (bound.Count == 0)
        {
            throw skipped!;
        }
    }

    private static Socket Open(UdpDatagramTransportOptions options, IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            Configure(socket, options);
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether an address may fail to bind. So may those that are not in the options: ::1 without IPv6, or one that the machine has lost
    /// since it was enumerated.
    /// </summary>
    private static bool IsOptional(UdpDatagramTransportOptions options, IPAddress address, int boundBefore) =>
        options.BindAddresses.Count == 0
        && (!options.LoopbackOnly || address.AddressFamily == AddressFamily.InterNetworkV6 || boundBefore > 0);

    private static void Configure(Socket socket, UdpDatagramTransportOptions options)
    {
        if (socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // Not essential for a socket that is bound to an address; a sandbox may refuse all options.
            Try(() => socket.DualMode = false);
        }

        // Systems with a lower limit either use that silently, or refuse; then half the size is tried.
        for (int size = options.ReceiveBufferBytes; size >= 65536 && !Try(() => socket.ReceiveBufferSize = size); size /= 2)
        {
        }

        for (int size = options.SendBufferBytes; size >= 65536 && !Try(() => socket.SendBufferSize = size); size /= 2)
        {
        }

        if (OperatingSystem.IsLinux() && ReceiveBufferOf(socket) < options.ReceiveBufferBytes)
        {
            // SO_RCVBUFFORCE exceeds the system's limit, which is 208 KiB by default, if this process has the privilege.
            Try(() => socket.SetRawSocketOption(1, 33, BitConverter.GetBytes(options.ReceiveBufferBytes)));
        }

        if (OperatingSystem.IsWindows())
        {
            // SIO_UDP_CONNRESET off: an ICMP message must not make the next receive fail.
            const int IoControlUdpConnectionReset = unchecked((int)0x9800000C);
            socket.IOControl(IoControlUdpConnectionReset, [0, 0, 0, 0], null);
        }
    }

    private static int ReceiveBufferOf(Socket socket)
    {
        int size = 0;
        Try(() => size = socket.ReceiveBufferSize);
        return size;
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static UdpSocketGroup Group(
        UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Socket first, int index, UdpCounters counters)
    {
        var sockets = new List<HostUdpSocket> { Wrap(options, calls, first, index, counters) };
        if (sockets[0] is LinuxUdpSocket && options.ReceiveThreads > 1 && SharedPort.TryShare(first, calls))
        {
            while (sockets.Count < options.ReceiveThreads && TryJoin(options, calls, first) is { } next)
            {
                sockets.Add(Wrap(options, calls, next, index, counters));
            }
        }

        return new UdpSocketGroup(sockets, mayFragment: !DoNotFragment.TrySet(first));
    }

    // One socket more on the port of another one; null when the system refuses it, and there are fewer then.
    private static Socket? TryJoin(UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Socket first)
    {
        var socket = new Socket(first.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            Configure(socket, options);
            if (SharedPort.TryAllow(socket, calls))
            {
                socket.Bind(first.LocalEndPoint!);
                return socket;
            }
        }
        catch (SocketException e)
        {
            UdpLog.ThreadsRefused(options.Logger, InetEndPoint.From((IPEndPoint)first.LocalEndPoint!), e.SocketErrorCode);
        }

        socket.Dispose();
        return null;
    }

    private static HostUdpSocket Wrap(
        UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Socket socket, int index, UdpCounters counters)
    {
        try
        {
            var endPoint = InetEndPoint.From((IPEndPoint)socket.LocalEndPoint!);
            int receiveBuffer = ReceiveBufferOf(socket);
            var wrapped = WrapFast(options, calls, socket, endPoint, index, counters)
                ?? new PortableUdpSocket(socket, endPoint, index, counters, options.Logger);
            UdpLog.Bound(options.Logger, endPoint, wrapped.SegmentationOffload, wrapped.ReceiveCoalescing, receiveBuffer);
            return wrapped;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static HostUdpSocket? WrapFast(
        UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Socket socket, InetEndPoint endPoint, int index, UdpCounters counters)
    {
        if (options.PortableSockets || !LinuxUdpCalls.IsSupported)
        {
            return null;
        }

        try
        {
            return new LinuxUdpSocket(socket, endPoint, index, counters, options, calls);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            UdpLog.FastPathUnavailable(options.Logger, e.Message);
            return null;
        }
    }

    private static ZeroTierException Explain(UdpDatagramTransportOptions options, IPAddress address, SocketException e) =>
        e.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => new ZeroTierException(
                ZeroTierError.Underlay,
                $"UDP port {options.Port} on {address} is taken by another program or node. "
                    + "Set Port to a free UDP port, or to 0 to let the system choose one.",
                e),
            SocketError.AddressNotAvailable => new ZeroTierException(
                ZeroTierError.Underlay,
                $"{address} is not an address of this machine, so UDP port {options.Port} cannot be bound on it. "
                    + "Correct BindAddresses, or leave it empty to use every address.",
                e),
            SocketError.AccessDenied => new ZeroTierException(
                ZeroTierError.Underlay,
                $"The system forbids UDP port {options.Port} on {address}. Set Port to 1024 or above, or to 0 to let the system choose "
                + $"one. {SandboxRemedy}",
                e),
            _ => new ZeroTierException(
                ZeroTierError.Underlay,
                $"UDP port {options.Port} on {address} cannot be bound: {e.Message}. Check Port and BindAddresses. {SandboxRemedy}",
                e),
        };
}
