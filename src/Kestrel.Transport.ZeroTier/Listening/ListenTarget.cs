using System.Net;
using System.Net.Sockets;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// What a listener binds: on a network, one address, all addresses, or, for a moved host endpoint, all addresses of one family.
/// </summary>
internal sealed record ListenTarget(NetworkId Network, IPAddress? Address, AddressFamily? Family, int Port)
{
    /// <summary>Converts an endpoint that our factory accepted in CanBind.</summary>
    public static ListenTarget From(EndPoint endPoint, ZeroTierOptions options) => endPoint switch
    {
        ZeroTierEndPoint ours => new(ours.Network, ours.Address, null, ours.Port),

        // A host address has no meaning on the virtual network, but its family is kept: Kestrel binds "localhost" once per family, and two
        // wildcard listeners on one port would collide (rule 4.9).
        IPEndPoint host => new(NetworkId.Parse(options.Networks[0]), null, FamilyOf(host.Address), host.Port),
        _ => throw new NotSupportedException($"The ZeroTier transport cannot bind '{endPoint}'."),
    };

    /// <summary>The requested endpoint, without the family.</summary>
    public ZeroTierEndPoint EndPoint => new(Network, Address, Port);

    /// <summary>A suffix for names that distinguishes the two families of a moved endpoint.</summary>
    public string FamilyName => Family switch
    {
        null => "",
        AddressFamily.InterNetwork => " (IPv4)",
        _ => " (IPv6)",
    };

    /// <summary>Whether the two are the halves of one endpoint that Kestrel binds once per family.</summary>
    public bool IsOtherFamilyOf(ListenTarget other) =>
        Network == other.Network && other.Address is null && other.Family is { } theirs && theirs != Family;

    /// <summary>Whether two targets claim the same port of the same address.</summary>
    public bool Overlaps(ListenTarget other, int port, int otherPort) =>
        port == otherPort && Network == other.Network
        && (Address is null || other.Address is null || Address.Equals(other.Address))
        && (Family is null || other.Family is null || Family == other.Family);

    /// <summary>
    /// The endpoint to ask the engine for. False while the network has no such address, with the reason.
    /// </summary>
    public bool TryResolve(ZeroTierNetwork? network, int port, out ZeroTierEndPoint? endPoint, out string reason)
    {
        endPoint = null;
        if (network is null)
        {
            reason = $"network {Network} is not joined.";
            return false;
        }

        if (!network.IsReady)
        {
            reason = $"network {Network} is not ready ({network.Status}){(network.Detail is { } detail ? $": {detail}" : ".")}";
            return false;
        }

        var address = Address;
        if (address is not null)
        {
            if (!network.Addresses.Any(own => own.Address.Equals(address)))
            {
                reason =
                    $"this node does not have the address {address} on network {Network}; it has {string.Join(", ", network.Addresses)}.";
                return false;
            }
        }
        else if (Family is { } family)
        {
            address = network.Addresses.FirstOrDefault(own => own.Address.AddressFamily == family).Address;
            if (address is null)
            {
                reason = $"network {Network} gives this node no {(family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} address. A URL "
                    + $"such as http://*:{port} is served on every address.";
                return false;
            }
        }

        endPoint = new ZeroTierEndPoint(Network, address, port);
        reason = "";
        return true;
    }

    /// <summary>The address to show for a network: IPv4 where there is one, because people read it more easily.</summary>
    public static IPAddress Preferred(ZeroTierNetwork network) =>
        (network.Addresses.FirstOrDefault(own => own.Address.AddressFamily == AddressFamily.InterNetwork) is { Address: not null } v4
            ? v4
            : network.Addresses[0]).Address;

    // [::] is Kestrel's form of "any address", IPv4 included.
    private static AddressFamily? FamilyOf(IPAddress address) => address.Equals(IPAddress.IPv6Any) ? null : address.AddressFamily;
}
