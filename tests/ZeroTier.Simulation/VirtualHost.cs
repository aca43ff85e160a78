using System.Net.Sockets;
using ZeroTier.Managed.Datagrams;

namespace ZeroTier.Simulation;

/// <summary>A machine on the virtual network: addresses on which transports are opened. Closing one and opening another on the same port is a restart.</summary>
public sealed class VirtualHost
{
    private readonly Dictionary<InetEndPoint, VirtualSocket> _sockets = [];

    internal VirtualHost(VirtualNetwork network, VirtualRealm realm, string name, int number, InetEndPoint[] addresses)
    {
        Network = network;
        Realm = realm;
        Name = name;
        Number = number;
        Addresses = addresses;
    }

    /// <summary>Its name in messages.</summary>
    public string Name { get; }

    /// <summary>Its addresses, each with port 0.</summary>
    public IReadOnlyList<InetEndPoint> Addresses { get; }

    /// <summary>Bytes that each socket holds until they are delivered; more is dropped. Default 4 MiB.</summary>
    public int ReceiveBufferBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Sockets now open: none after every transport was disposed of.</summary>
    public int OpenSockets => _sockets.Count;

    internal VirtualNetwork Network { get; }

    internal VirtualRealm Realm { get; }

    internal int Number { get; }

    internal int Group { get; set; }

    /// <summary>Opens a transport with one socket for each address and port.</summary>
    /// <param name="ports">UDP ports; 0 takes a free one by chance. None means one of 0.</param>
    /// <exception cref="SocketException">A port is taken on this host.</exception>
    public VirtualDatagramTransport Open(params ushort[] ports)
    {
        var endPoints = new List<InetEndPoint>();
        foreach (ushort port in ports.Length == 0 ? [0] : ports)
        {
            ushort chosen = port;
            while (chosen == 0 || (port == 0 && Addresses.Any(a => _sockets.ContainsKey(a.WithPort(chosen)))))
            {
                chosen = (ushort)(20000 + Network.Random.Next(45000));
            }

            foreach (var address in Addresses)
            {
                var endPoint = address.WithPort(chosen);
                if (_sockets.ContainsKey(endPoint) || endPoints.Contains(endPoint))
                {
                    throw new SocketException((int)SocketError.AddressAlreadyInUse);
                }

                endPoints.Add(endPoint);
            }
        }

        return new VirtualDatagramTransport(this, endPoints);
    }

    /// <inheritdoc />
    public override string ToString() => Name;

    internal VirtualSocket? FindSocket(InetEndPoint endPoint) => _sockets.GetValueOrDefault(endPoint);

    internal void Bind(VirtualSocket socket) => _sockets.Add(socket.EndPoint, socket);

    internal void Unbind(VirtualSocket socket) => _sockets.Remove(socket.EndPoint);
}
