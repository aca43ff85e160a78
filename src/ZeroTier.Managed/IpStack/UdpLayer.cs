using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;

namespace ZeroTier.Managed.IpStack;

/// <summary>UDP (RFC 768; RFC 8200, 8.1): ports and demultiplexing. Thread-safe.</summary>
/// <remarks>Lock order: the binding lock before a socket's lock. No lock is held while packets are sent.</remarks>
internal sealed class UdpLayer(
    IpStackOptions options, IpOutput output, IpDropCounters drops, IcmpErrors errors, HostGroups groups) : IDisposable
{
    internal const int HeaderLength = 8;

    // RFC 6335, 6: dynamic ports, chosen at random (RFC 6056, 3.3.1).
    private const int FirstEphemeral = 49152;
    private const int EphemeralCount = 65536 - FirstEphemeral;

    private readonly Lock _bindings = new();

    // The arrays are replaced, never changed.
    private readonly ConcurrentDictionary<ushort, UdpSocket[]> _ports = new();
    private bool _disposed;

    internal IpStackOptions Options => options;

    internal HostGroups Groups => groups;

    /// <summary>Largest payload to a destination in bytes; it may leave as several fragments.</summary>
    public static int MaxPayload(in IpAddress destination) =>
        ushort.MaxValue - HeaderLength - (destination.IsIPv4 ? IpHeader.IPv4Length : 0);

    public UdpSocket Bind(IpAddress? address, ushort port)
    {
        lock (_bindings)
        {
            if (_disposed)
            {
                throw new SocketException((int)SocketError.OperationAborted);
            }

            if (address is { } local && !output.Interface.Contains(local))
            {
                throw new SocketException((int)SocketError.AddressNotAvailable);
            }

            var socket = new UdpSocket(this, address, port != 0 ? port : PickPort());
            if (!_ports.TryGetValue(socket.LocalPort, out var others))
            {
                _ports[socket.LocalPort] = [socket];
            }
            else if (others.Any(other => other.LocalAddress is null || address is null || other.LocalAddress == address))
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            }
            else
            {
                _ports[socket.LocalPort] = [.. others, socket];
            }

            return socket;
        }
    }

    public void Unbind(UdpSocket socket)
    {
        groups.LeaveAll(socket);
        lock (_bindings)
        {
            if (_ports.TryGetValue(socket.LocalPort, out var sockets))
            {
                var rest = sockets.Where(other => other != socket).ToArray();
                if (rest.Length == 0)
                {
                    _ports.TryRemove(socket.LocalPort, out _);
                }
                else
                {
                    _ports[socket.LocalPort] = rest;
                }
            }
        }
    }

    /// <summary>Closes the sockets that are bound to an address that is no longer ours.</summary>
    public void RemoveAddress(in IpAddress address)
    {
        // Under the lock, so that sockets bound before the address was removed are found.
        var lost = new List<UdpSocket>();
        lock (_bindings)
        {
            foreach (var sockets in _ports.Values)
            {
                foreach (var socket in sockets)
                {
                    if (socket.LocalAddress == address)
                    {
                        lost.Add(socket);
                    }
                }
            }
        }

        foreach (var socket in lost)
        {
            socket.Close(SocketError.AddressNotAvailable);
        }
    }

    public void Receive(in IpPacket packet)
    {
        var datagram = packet.Payload;
        int length = datagram.Length < HeaderLength ? 0 : BinaryPrimitives.ReadUInt16BigEndian(datagram[4..]);
        if (length < HeaderLength || length > datagram.Length)
        {
            drops.Count(IpDrop.Udp);
            return;
        }

        // Only IPv4 may go without a checksum (RFC 8200, 8.1).
        datagram = datagram[..length];
        bool unchecked4 = packet.Source.IsIPv4 && BinaryPrimitives.ReadUInt16BigEndian(datagram[6..]) == 0;
        ushort sourcePort = BinaryPrimitives.ReadUInt16BigEndian(datagram);
        if ((BinaryPrimitives.ReadUInt16BigEndian(datagram[6..]) == 0 && !unchecked4)
            || (!unchecked4 && InternetChecksum.Transport(packet.Source, packet.Destination, IpProtocol.Udp, datagram) != 0))
        {
            drops.Count(IpDrop.Udp);
            return;
        }

        ushort port = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        if (packet.Destination.IsMulticast)
        {
            if (!DeliverToGroup(packet.Destination, port, datagram[HeaderLength..], packet.Source, sourcePort, packet.SourceMac))
            {
                drops.Count(IpDrop.UdpPort);
            }

            return;
        }

        if (_ports.TryGetValue(port, out var sockets))
        {
            foreach (var socket in sockets)
            {
                // A socket bound to one address does not receive broadcasts.
                if (socket.LocalAddress is null || socket.LocalAddress == packet.Destination)
                {
                    if (!socket.Enqueue(datagram[HeaderLength..], packet.Source, sourcePort, packet.SourceMac))
                    {
                        drops.Count(IpDrop.UdpQueue);
                    }

                    return;
                }
            }
        }

        drops.Count(IpDrop.UdpPort);
        errors.PortUnreachable(packet);
    }

    public void Send(IpAddress? source, ushort sourcePort, in IpAddress destination, ushort port, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxPayload(destination))
        {
            throw new SocketException((int)SocketError.MessageSize);
        }

        var addresses = output.Interface;
        var local = source is { } bound && bound.IsIPv4 == destination.IsIPv4 ? bound
            : source is null ? addresses.SelectSource(destination)
            : null;
        if (local is null || destination.IsUnspecified || port == 0)
        {
            throw new SocketException((int)SocketError.NetworkUnreachable);
        }

        var batch = output.BeginBatch();
        var datagram = batch.Reserve(local.Value, destination, IpProtocol.Udp, HeaderLength + payload.Length);
        BinaryPrimitives.WriteUInt16BigEndian(datagram, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[4..], (ushort)datagram.Length);
        datagram[6..8].Clear();
        payload.CopyTo(datagram[HeaderLength..]);
        ushort checksum = InternetChecksum.Transport(local.Value, destination, IpProtocol.Udp, datagram);

        // RFC 768: zero means "no checksum", so a computed zero is sent as all ones, which is equal in one's complement.
        BinaryPrimitives.WriteUInt16BigEndian(datagram[6..], checksum == 0 ? ushort.MaxValue : checksum);
        batch.Commit();
        batch.Send();
        if (destination.IsMulticast)
        {
            // RFC 1112, 6.1: multicast is also delivered to members on the sending host, including the sender itself.
            DeliverToGroup(destination, port, payload, local.Value, sourcePort, options.MacAddress);
        }
    }

    public void Dispose()
    {
        UdpSocket[] sockets;
        lock (_bindings)
        {
            _disposed = true;
            sockets = [.. _ports.Values.SelectMany(static sockets => sockets)];
        }

        foreach (var socket in sockets)
        {
            socket.Dispose();
        }
    }

    /// <returns>False when no socket of this port has joined the group.</returns>
    private bool DeliverToGroup(
        in IpAddress group, ushort port, ReadOnlySpan<byte> payload, in IpAddress source, ushort sourcePort, MacAddress sourceMac)
    {
        bool delivered = false;
        foreach (var socket in groups.Find(group))
        {
            if (socket.LocalPort == port)
            {
                delivered = true;
                if (!socket.Enqueue(payload, source, sourcePort, sourceMac))
                {
                    drops.Count(IpDrop.UdpQueue);
                }
            }
        }

        return delivered;
    }

    private ushort PickPort()
    {
        int start = options.Random.Next(EphemeralCount);
        for (int i = 0; i < EphemeralCount; i++)
        {
            ushort port = (ushort)(FirstEphemeral + (start + i) % EphemeralCount);
            if (!_ports.ContainsKey(port))
            {
                return port;
            }
        }

        throw new SocketException((int)SocketError.AddressAlreadyInUse);
    }
}
