using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ZeroTier.Controller.Json;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>
/// Merges the body of a request into a network (docs/protocol/5-http-api.md 5.5.3): settings whose key is missing are unchanged, lists are
/// replaced as a whole.
/// </summary>
internal static class NetworkChange
{
    private const int DefaultMulticastLimit = 32;
    private const int DefaultMtu = 2800;

    /// <summary>Returns the network with the settings in the body applied.</summary>
    /// <exception cref="JsonException">A value has an invalid type whose meaning is unknown.</exception>
    public static ControllerNetwork Apply(ControllerNetwork network, JsonElement body) =>
        ApplyTraces(ApplyRules(ApplyAddressing(ApplyBasics(network, body),
            body), body), body);

    private static ControllerNetwork ApplyBasics(ControllerNetwork network, JsonElement body) => network with
    {
        Name = body.Member("name")?.ToText() ?? network.Name,
        IsPrivate = body.Member("private")?.ToBoolean(missing: true) ?? network.IsPrivate,
        AllowsBroadcast = body.Member("enableBroadcast")?.ToBoolean() ?? network.AllowsBroadcast,
        MulticastLimit = body.Member("multicastLimit")?.ToInteger(DefaultMulticastLimit) ?? network.MulticastLimit,
        Mtu = body.Member("mtu") is { } mtu
            ? (int)Math.Clamp(unchecked((uint)mtu.ToInteger(DefaultMtu)), ControllerNetwork.MinMtu, ControllerNetwork.MaxMtu)
            : network.Mtu,
        JoinTokens = body.Member("authTokens") is { } tokens ? ReadTokens(tokens) : network.JoinTokens,
    };

    private static ControllerNetwork ApplyAddressing(ControllerNetwork network, JsonElement body) => network with
    {
        AssignsIPv4 = body.Member("v4AssignMode") is { } v4 ? ReadIPv4Mode(v4) : network.AssignsIPv4,
        IPv6Assignment = body.Member("v6AssignMode") is { } v6 ? ReadIPv6Modes(v6) : network.IPv6Assignment,
        Routes = body.Member("routes") is { ValueKind: JsonValueKind.Array } routes
            ? [.. routes.Entries().Select(ReadRoute).OfType<NetworkRoute>()]
            : network.Routes,
        AddressPools = body.Member("ipAssignmentPools") is { ValueKind: JsonValueKind.Array } pools
            ? [.. pools.Entries().Select(ReadPool).OfType<AddressPool>()]
            : network.AddressPools,
        Dns = body.Member("dns") is { ValueKind: JsonValueKind.Object } dns ? ReadDns(dns) : network.Dns,
        ServesNames = body.Member(NetworkJson.ServeNames)?.ToBoolean() ?? network.ServesNames,
    };

    private static ControllerNetwork ApplyRules(ControllerNetwork network, JsonElement body)
    {
        ImmutableArray<NetworkRule>? rules = body.Member("rules") is { } list ? RuleListJson.ReadRules(list) : null;

        // When the rules are replaced, the source text of the old ones is cleared, since it would be misleading.
        return network with
        {
            Rules = rules ?? network.Rules,
            RulesSource = rules is null ? network.RulesSource : "",
            Capabilities = (body.Member("capabilities") is { } capabilities ? RuleListJson.ReadCapabilities(capabilities) : null)
                ?? network.Capabilities,
            Tags = (body.Member("tags") is { } tags ? RuleListJson.ReadTags(tags) : null) ?? network.Tags,
        };
    }

    private static ControllerNetwork ApplyTraces(ControllerNetwork network, JsonElement body) => network with
    {
        RemoteTraceTarget = body.Member("remoteTraceTarget") is { } target ? target.ToTraceTarget() : network.RemoteTraceTarget,
        RemoteTraceLevel = body.Member("remoteTraceLevel") is { } level ? unchecked((long)level.ToInteger()) : network.RemoteTraceLevel,
    };

    private static bool ReadIPv4Mode(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.Boolean("zt"),
        JsonValueKind.String => value.ToText() == "zt",
        _ => false,
    };

    private static IPv6Assignment ReadIPv6Modes(JsonElement value)
    {
        string[] words = value.ValueKind == JsonValueKind.String ? value.ToText().Split(',') : [];
        return Mode("6plane", IPv6Assignment.SixPlane) | Mode("rfc4193", IPv6Assignment.Rfc4193) | Mode("zt", IPv6Assignment.Pool);

        IPv6Assignment Mode(string name, IPv6Assignment mode) => value.Boolean(name) || words.Contains(name) ? mode : default;
    }

    private static NetworkRoute? ReadRoute(JsonElement entry)
    {
        if (entry.Member("target").ToPrefix() is not { } target || target.Bits > BitsOf(target.Address))
        {
            return null;
        }

        IPAddress? via = entry.Member("via").ToPrefix() is { } gateway
            && gateway.Address.AddressFamily == target.Address.AddressFamily ? gateway.Address : null;
        return new NetworkRoute(target.Address, target.Bits, via);
    }

    private static int BitsOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;

    private static AddressPool? ReadPool(JsonElement entry) =>
        entry.Member("ipRangeStart").ToPrefix() is { } first && entry.Member("ipRangeEnd").ToPrefix() is { } last &&
        first.Address.AddressFamily == last.Address.AddressFamily
            ? new AddressPool(first.Address, last.Address)
            : null;

    private static NetworkDnsSettings ReadDns(JsonElement dns) => new(
        dns.Text("domain"),
        dns.Member("servers") is { ValueKind: JsonValueKind.Array } servers
            ? [.. servers.Entries().Where(s => s.ValueKind == JsonValueKind.String).Select(s => s.ToText())]
            : []);

    private static ImmutableSortedDictionary<string, DateTimeOffset?> ReadTokens(JsonElement value)
    {
        var tokens = ImmutableSortedDictionary.CreateBuilder<string, DateTimeOffset?>(StringComparer.Ordinal);
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty entry in value.EnumerateObject().Take(ControllerNetwork.MaxEntries))
            {
                if (entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetDouble(out double expires) && expires >= 0)
                {
                    tokens[entry.Name] = entry.Value.ToTime();
                }
            }
        }

        return tokens.ToImmutable();
    }
}
