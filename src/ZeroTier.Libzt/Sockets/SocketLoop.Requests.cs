using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

internal sealed partial class SocketLoop
{
    // Attempts with port 0: the port that libzt chooses for the first address may be taken on the next one.
    private const int PortAttempts = 16;

    // The length of libzt's accept queue; connections beyond it are lost after the peer's handshake has succeeded
    // (docs/protocol/4-libzt-api.md 9).
    private const int MaxBacklog = 127;

    /// <summary>
    /// Whether this many more sockets may be opened. If necessary, closes connections that linger, then those that wait for their reset.
    /// </summary>
    internal bool MakeRoom(int sockets = 1)
    {
        int missing = Polled.Count + sockets - Limits.MaxDescriptors;
        if (missing <= 0)
        {
            return true;
        }

        // Do not close any if it would not be enough.
        if (Polled.CountExpendable() < missing)
        {
            return false;
        }

        for (; missing > 0; missing--)
        {
            Polled.MostExpendable()?.GiveUpEarly();
        }

        return true;
    }

    private LibztListener Listen(NetworkView network, ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options)
    {
        (ZeroTierEndPoint bound,
            List<(Descriptor Descriptor, IPAddress Address)> descriptors) = Bind(network, endPoint, ZtsSocketType.Stream);
        try
        {
            foreach (var (descriptor, _) in descriptors)
            {
                Check(descriptor.Listen(Math.Clamp(options.Backlog, 1, MaxBacklog)), ZtsSocketType.Stream, endPoint);
            }
        }
        catch
        {
            descriptors.ForEach(d => d.Descriptor.Dispose());
            throw;
        }

        var listener = new LibztListener(this, bound, Math.Max(1, options.Backlog));
        var streamOptions = new StreamOptions(this, options);
        foreach (var (descriptor, address) in descriptors)
        {
            listener.Sockets.Add(new ListeningSocket(this, listener, descriptor, new IPEndPoint(address, bound.Port), streamOptions));
        }

        return listener;
    }

    /// <summary>Opens a listener's descriptor for a further address.</summary>
    internal ListeningSocket ListenAlso(LibztListener listener, IPAddress address, StreamOptions options)
    {
        Descriptor descriptor = BindAlso(ZtsSocketType.Stream, listener.EndPoint, address);
        try
        {
            Check(descriptor.Listen(Math.Clamp(listener.Backlog, 1, MaxBacklog)), ZtsSocketType.Stream, listener.EndPoint);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }

        return new ListeningSocket(this, listener, descriptor, new IPEndPoint(address, listener.EndPoint.Port), options);
    }

    /// <summary>Opens a UDP socket's descriptor for a further address.</summary>
    internal DatagramPort BindAlso(LibztDatagramSocket socket, IPNetworkAddress address) =>
        new(this, socket, BindAlso(ZtsSocketType.Datagram, socket.EndPoint, address.Address), address);

    private Descriptor BindAlso(ZtsSocketType type, ZeroTierEndPoint endPoint, IPAddress address)
    {
        int port = endPoint.Port;
        return MakeRoom() ? BindOne(type, endPoint, address, ref port) : throw SocketErrors.NoDescriptor($"Binding {endPoint}");
    }

    private LibztDatagramSocket BindDatagram(NetworkView network, ZeroTierEndPoint endPoint)
    {
        (ZeroTierEndPoint bound,
            List<(Descriptor Descriptor, IPAddress Address)> descriptors) = Bind(network, endPoint, ZtsSocketType.Datagram);
        var socket = new LibztDatagramSocket(this, network, bound);
        foreach (var (descriptor, address) in descriptors)
        {
            socket.Ports.Add(new DatagramPort(this, socket, descriptor, network.Addresses.First(a => a.Address.Equals(address))));
        }

        return socket;
    }

    private ConnectingSocket Connect(NetworkView network, ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options)
    {
        IPAddress destination = endPoint.Address ?? throw SocketErrors.NoAddress(endPoint);
        IPAddress source = network.SourceFor(destination) ?? throw SocketErrors.NoRoute(destination, network);
        if (network.Has(destination))
        {
            throw SocketErrors.NoLoopback(destination, network.Id);
        }

        if (!MakeRoom())
        {
            throw SocketErrors.NoDescriptor($"Connecting to {endPoint}");
        }

        return new ConnectingSocket(this, network.Id, source, new IPEndPoint(destination, endPoint.Port), new StreamOptions(this, options));
    }

    // One descriptor per address: a wildcard address would also receive from other networks.
    private (ZeroTierEndPoint Bound, List<(Descriptor Descriptor, IPAddress Address)> Descriptors) Bind(
        NetworkView network, ZeroTierEndPoint endPoint, ZtsSocketType type)
    {
        IReadOnlyList<IPAddress> addresses = network.Select(endPoint);
        if (!MakeRoom(addresses.Count))
        {
            throw SocketErrors.NoDescriptor($"Binding {endPoint}");
        }

        for (int attempt = 0; ; attempt++)
        {
            int port = endPoint.Port;
            var descriptors = new List<(Descriptor Descriptor, IPAddress Address)>();
            try
            {
                foreach (IPAddress address in addresses)
                {
                    descriptors.Add((BindOne(type, endPoint, address, ref port), address));
                }

                return (new ZeroTierEndPoint(endPoint.Network, endPoint.Address, port), descriptors);
            }
            catch (Exception e)
            {
                descriptors.ForEach(d => d.Descriptor.Dispose());
                if (endPoint.Port != 0 || e is not ZeroTierException { Error: ZeroTierError.AddressInUse } || attempt == PortAttempts)
                {
                    throw;
                }
            }
        }
    }

    private Descriptor BindOne(ZtsSocketType type, ZeroTierEndPoint endPoint, IPAddress address, ref int port)
    {
        if (port != 0 && !Ports.IsFree(type, address, port))
        {
            throw SocketErrors.InUse(type, endPoint);
        }

        ZtsFamily family = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? ZtsFamily.InterNetwork
            : ZtsFamily.InterNetworkV6;
        Descriptor? descriptor = Descriptor.Open(this, family, type, out Errno error);
        if (descriptor is null)
        {
            throw SocketErrors.OfBind(error, type, endPoint);
        }

        try
        {
            // Without it, connections in TIME-WAIT block the port. BoundPorts checks whether the port is free.
            descriptor.Set(OptionLevel.Socket, SocketOption.ReuseAddress, 1);
            Check(descriptor.Bind(ZtsAddress.From(address, port)), type, endPoint);
            Check(descriptor.LocalAddress(out ZtsAddress bound), type, endPoint);
            if (port == 0 && !Ports.IsFree(type, address, bound.Port))
            {
                throw SocketErrors.InUse(type, endPoint);
            }

            port = bound.Port;
            return descriptor;
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static void Check(Errno error, ZtsSocketType type, ZeroTierEndPoint endPoint)
    {
        if (error != Errno.None)
        {
            throw SocketErrors.OfBind(error, type, endPoint);
        }
    }
}
