using System.Net.Sockets;
using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>
/// A machine on the virtual network: addresses on which transports are opened. Closing one and opening another on the same port is a
/// restart.
/// </summary>
public sealed class VirtualHost
{
    private readonly Dictionary<InetEndPoint, VirtualSocket> _sockets = [];
    private readonly List<VirtualDatagramTransport> _transports = [];

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
    public IReadOnlyList<InetEndPoint> Addresses { get; private set; }

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

        var transport = new VirtualDatagramTransport(this, endPoints);
        _transports.Add(transport);
        return transport;
    }

    /// <summary>Takes an address away, as when a network is left. Losing one and gaining another in one instant is a move.</summary>
    public void LoseAddress(string address)
    {
        var lost = VirtualNetwork.ParseAddress(address);
        Realm.Remove(lost);
        Addresses = [.. Addresses.Where(own => own != lost)];
        foreach (var transport in _transports)
        {
            transport.LoseAddress(lost);
        }
    }

    /// <summary>Adds an address, which the open transports bind on their first port.</summary>
    public void GainAddress(string address)
    {
        var gained = VirtualNetwork.ParseAddress(address);
        Realm.Add(gained, this);
        Addresses = [.. Addresses, gained];
        foreach (var transport in _transports)
        {
            transport.GainAddress(gained);
        }
    }

    /// <inheritdoc />
    public override string ToString() => Name;

    internal VirtualSocket? FindSocket(InetEndPoint endPoint) => _sockets.GetValueOrDefault(endPoint);

    internal void Bind(VirtualSocket socket) => _sockets.Add(socket.EndPoint, socket);

    internal void Remove(VirtualDatagramTransport transport) => _transports.Remove(transport);

    internal void Unbind(VirtualSocket socket) => _sockets.Remove(socket.EndPoint);
}
