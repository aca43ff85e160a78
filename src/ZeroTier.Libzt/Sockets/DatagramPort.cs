using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The descriptor of a UDP socket for one of the node's addresses.</summary>
internal sealed class DatagramPort : PolledSocket
{
    // Datagrams received per round: half the length of libzt's queue per socket.
    private const int ReceiveBudget = 64;
    private const int Pause = 100;

    private readonly LibztDatagramSocket _socket;
    private IPNetworkAddress _own;

    internal DatagramPort(SocketLoop loop, LibztDatagramSocket socket, Descriptor descriptor, IPNetworkAddress own)
        : base(loop, socket.EndPoint.Network)
    {
        _socket = socket;
        _own = own;
        Descriptor = descriptor;
        loop.Ports.Take(ZtsSocketType.Datagram, own.Address, socket.EndPoint.Port);
        loop.Polled.Add(this);
    }

    /// <summary>The UDP socket that it belongs to.</summary>
    internal LibztDatagramSocket Socket => _socket;

    /// <summary>The address and its prefix length; only the latter may change.</summary>
    internal IPNetworkAddress Own
    {
        get => _own;
        set => _own = value;
    }

    internal override PollEvents Interest => PollEvents.In;

    internal override void OnReady(PollEvents events)
    {
        for (int i = 0; i < ReceiveBudget && Descriptor is not null; i++)
        {
            int length = Descriptor.ReceiveFrom(Loop.Scratch, out ZtsAddress source, out Errno error);
            if (length < 0)
            {
                if (error != Errno.Again)
                {
                    BeQuiet(Pause);
                }
                else if (i == 0)
                {
                    Spurious();
                }

                return;
            }

            Progress();
            if (source.ToIPAddress() is { } address)
            {
                _socket.Deliver(Loop.Scratch.AsSpan(0, length), new IPEndPoint(address, source.Port));
            }
        }
    }

    internal override void End(ZeroTierException reason) => _socket.Close();

    /// <summary>Whether the destination is in this address' subnet, or is a multicast or broadcast address of the same family.</summary>
    internal bool Reaches(IPAddress destination) => _own.Contains(destination)
        || destination.AddressFamily == _own.Address.AddressFamily
            && (destination.IsIPv6Multicast || LibztDatagramSocket.IsIPv4Group(destination));

    internal void Send(ReadOnlySpan<byte> datagram, ZtsAddress destination)
    {
        if (Descriptor is null || Descriptor.SendTo(datagram, destination, out _) < 0)
        {
            Loop.Counters.DatagramDropped();
        }
        else
        {
            Loop.Counters.DatagramSent(datagram.Length);
        }
    }

    /// <summary>Closes the descriptor and frees the port.</summary>
    internal override void Close()
    {
        if (Descriptor is not null)
        {
            Loop.Ports.Free(ZtsSocketType.Datagram, _own.Address, _socket.EndPoint.Port);
        }

        base.Close();
    }
}
