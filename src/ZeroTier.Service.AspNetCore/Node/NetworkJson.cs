using System.Net;
using System.Text.Json;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>
/// Writes a joined network in the API's format (docs/protocol/5-http-api.md 5.4.4). There is no network device; values that the node does
/// not know are omitted.
/// </summary>
internal static class NetworkJson
{
    private const int DefaultMtu = 2800;

    public static void Write(Utf8JsonWriter writer, ZeroTierNetwork network)
    {
        string id = network.Id.ToString();
        writer.WriteStartObject();
        writer.WriteBoolean("allowDNS", network.Settings.AllowDns);
        writer.WriteBoolean("allowDefault", network.Settings.AllowDefault);
        writer.WriteBoolean("allowGlobal", network.Settings.AllowGlobal);
        writer.WriteBoolean("allowManaged", network.Settings.AllowManaged);
        writer.WriteStartArray("assignedAddresses");
        foreach (IPNetworkAddress address in network.Addresses.Concat(network.RefusedAddresses))
        {
            writer.WriteStringValue(address.ToString());
        }

        writer.WriteEndArray();
        if (network.LoginUrl is { } url)
        {
            writer.WriteString("authenticationURL", url);
            writer.WriteNumber("authenticationExpiryTime", 0);
            writer.WriteBoolean("ssoEnabled", true);
        }

        writer.WriteBoolean("bridge", network.IsBridge);
        writer.WriteBoolean("broadcastEnabled", network.AllowsBroadcast);
        writer.WriteBoolean("dhcp", false);
        WriteDns(writer, network.Dns);
        writer.WriteString("id", id);
        writer.WriteString("mac", network.Mac);
        writer.WriteNumber("mtu", network.Mtu == 0 ? DefaultMtu : network.Mtu);
        writer.WriteString("name", network.Name);
        writer.WriteNumber("netconfRevision", network.Revision);
        writer.WriteString("nwid", id);
        writer.WriteString("portDeviceName", "");
        writer.WriteNumber("portError", 0);
        writer.WriteStartArray("routes");
        foreach (ZeroTierRoute route in network.Routes)
        {
            WriteRoute(writer, route);
        }

        writer.WriteEndArray();
        writer.WriteString("status", StatusOf(network));
        writer.WriteString("type", network.IsPublic ? "PUBLIC" : "PRIVATE");
        writer.WriteEndObject();
    }

    private static void WriteDns(Utf8JsonWriter writer, ZeroTierDns? dns)
    {
        writer.WriteStartObject("dns");
        writer.WriteString("domain", dns?.Domain ?? "");
        writer.WriteStartArray("servers");
        foreach (IPAddress server in dns?.Servers ?? [])
        {
            writer.WriteStringValue(server.ToString());
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteRoute(Utf8JsonWriter writer, ZeroTierRoute route)
    {
        writer.WriteStartObject();
        writer.WriteNumber("flags", 0);
        writer.WriteNumber("metric", route.Metric);
        writer.WriteString("target", route.Target.ToString());
        writer.WriteString("via", route.Gateway?.ToString());
        writer.WriteEndObject();
    }

    private static string StatusOf(ZeroTierNetwork network) => network.Status switch
    {
        ZeroTierNetworkStatus.RequestingConfiguration => "REQUESTING_CONFIGURATION",
        ZeroTierNetworkStatus.Ok => "OK",
        ZeroTierNetworkStatus.AccessDenied => "ACCESS_DENIED",
        ZeroTierNetworkStatus.PortError => "PORT_ERROR",
        ZeroTierNetworkStatus.ClientTooOld => "CLIENT_TOO_OLD",
        ZeroTierNetworkStatus.AuthenticationRequired => "AUTHENTICATION_REQUIRED",

        // The closest status for a network that this engine cannot join.
        _ => "NOT_FOUND",
    };
}
