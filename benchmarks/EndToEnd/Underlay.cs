using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace EndToEnd;

/// <summary>The physical address over which the nodes of the ZeroTier transport talk.</summary>
internal static class Underlay
{
    /// <summary>
    /// Loopback, unless libzt takes part: it refuses loopback paths. Then it is the address of an interface, and only where no route leads out, so that nothing can
    /// leave the machine.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no such address; the message says how to make one.</exception>
    public static IPAddress Choose(Engines engines)
    {
        if (!engines.NeedLibzt)
        {
            return IPAddress.Loopback;
        }

        var properties = NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus != OperationalStatus.Down && i.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .Select(i => i.GetIPProperties())
            .ToList();
        if (properties.SelectMany(p => p.GatewayAddresses).Any(g => !g.Address.Equals(IPAddress.Any)))
        {
            throw new InvalidOperationException($"This machine has a route to other networks, and a benchmark must not use it. {Remedy}");
        }

        return properties.SelectMany(p => p.UnicastAddresses).Select(a => a.Address).FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork)
            ?? throw new InvalidOperationException($"libzt refuses loopback, and no other interface has an IPv4 address. {Remedy}");
    }

    private const string Remedy = """
        Run it in a network namespace of its own:
          sudo unshare -n sh -c 'ip link set lo up; ip link add zt0 type veth peer name zt1; ip addr add 10.99.0.1/24 dev zt0; ip link set zt0 up; ip link set zt1 up; COMMAND'
        """;
}
