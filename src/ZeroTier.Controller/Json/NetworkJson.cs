using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller.Json;

/// <summary>The network object of the HTTP API (docs/protocol/5-http-api.md 5.5.2).</summary>
internal static class NetworkJson
{
    /// <summary>A key that ZeroTierOne does not have; written only if true.</summary>
    public const string ServeNames = "serveNames";

    // The last line is computed values that programs send back with a network; they are never stored.
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "id", "nwid", "objtype", "creationTime", "revision", "name", "private", "enableBroadcast", "multicastLimit", "mtu", "v4AssignMode",
        "v6AssignMode",
            "routes",
        "ipAssignmentPools", "dns", "rules", "capabilities", "tags", "authTokens", "remoteTraceTarget", "remoteTraceLevel", "rulesSource",
        "ssoEnabled", ServeNames,
            "clientId",
        "authorizationEndpoint", "certificateTimeoutWindowSize",
        "clock", "authorizedMemberCount", "activeMemberCount", "totalMemberCount", "lastModified");

    public static void Write(Utf8JsonWriter writer, ControllerNetwork network)
    {
        writer.WriteStartObject();
        writer.WriteString("id", network.Id.ToString());
        writer.WriteString("nwid", network.Id.ToString());
        writer.WriteString("objtype", "network");
        writer.WriteTime("creationTime", network.CreationTime);
        writer.WriteNumber("revision", network.Revision);
        writer.WriteString("name", network.Name);
        writer.WriteBoolean("private", network.IsPrivate);
        writer.WriteBoolean("enableBroadcast", network.AllowsBroadcast);
        writer.WriteNumber("multicastLimit", network.MulticastLimit);
        writer.WriteNumber("mtu", network.Mtu);
        writer.WriteStartObject("v4AssignMode");
        writer.WriteBoolean("zt", network.AssignsIPv4);
        writer.WriteEndObject();
        writer.WriteStartObject("v6AssignMode");
        writer.WriteBoolean("6plane", network.IPv6Assignment.HasFlag(IPv6Assignment.SixPlane));
        writer.WriteBoolean("rfc4193", network.IPv6Assignment.HasFlag(IPv6Assignment.Rfc4193));
        writer.WriteBoolean("zt", network.IPv6Assignment.HasFlag(IPv6Assignment.Pool));
        writer.WriteEndObject();
        WriteAddressing(writer, network);
        WriteRules(writer, network);
        WriteTokens(writer, network);
        writer.WriteString("remoteTraceTarget", network.RemoteTraceTarget);
        writer.WriteNumber("remoteTraceLevel", network.RemoteTraceLevel);
        writer.WriteString("rulesSource", network.RulesSource);
        writer.WriteBoolean("ssoEnabled", network.RequiresLogin);
        writer.WriteString("clientId", network.ClientId);
        writer.WriteString("authorizationEndpoint", network.AuthorizationEndpoint);
        if (network.CertificateWindow is { } window)
        {
            writer.WriteNumber("certificateTimeoutWindowSize", (long)window.TotalMilliseconds);
        }

        if (network.ServesNames)
        {
            writer.WriteBoolean(ServeNames, true);
        }

        writer.WriteRest(network.Extensions, Known);
        writer.WriteEndObject();
    }

    public static ControllerNetwork Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object
            || !NetworkId.TryParse(element.TextOrNull("id") ?? element.TextOrNull("nwid"), out NetworkId id))
        {
            throw new JsonException("A network is an object with an \"id\" of 16 hexadecimal digits.");
        }

        var defaults = new ControllerNetwork { Id = id };
        return defaults with
        {
            CreationTime = element.TimeOrNull("creationTime") ?? default,
            Revision = element.NumberOrNull("revision") ?? defaults.Revision,
            Name = element.TextOrNull("name") ?? defaults.Name,
            IsPrivate = element.TruthOrNull("private") ?? defaults.IsPrivate,
            AllowsBroadcast = element.TruthOrNull("enableBroadcast") ?? defaults.AllowsBroadcast,
            MulticastLimit = element.TryGetProperty("multicastLimit", out JsonElement limit) && limit.ValueKind == JsonValueKind.Number &&
                limit.TryGetUInt64(out ulong number)
                ? number
                : defaults.MulticastLimit,
            Mtu = (int)Math.Clamp(element.NumberOrNull("mtu") ?? defaults.Mtu, ControllerNetwork.MinMtu, ControllerNetwork.MaxMtu),
            AssignsIPv4 = element.TryGetProperty("v4AssignMode", out JsonElement v4)
                && v4.ValueKind == JsonValueKind.Object
                && v4.TruthOrNull("zt") == true,
            IPv6Assignment = element.TryGetProperty("v6AssignMode", out JsonElement v6) && v6.ValueKind == JsonValueKind.Object
                ? ReadIPv6(v6)
                : default,
            Routes = [.. element.Items("routes").Select(ReadRoute).OfType<NetworkRoute>()],
            AddressPools = [.. element.Items("ipAssignmentPools").Select(ReadPool).OfType<AddressPool>()],
            Dns = element.TryGetProperty("dns", out JsonElement dns) ? ReadDns(dns) : null,
            ServesNames = element.TruthOrNull(ServeNames) ?? false,
            Rules = element.TryGetProperty("rules", out JsonElement rules) && RuleListJson.ReadRules(rules) is { } list
                ? list
                : defaults.Rules,
            Capabilities = element.TryGetProperty("capabilities", out JsonElement capabilities)
                ? RuleListJson.ReadCapabilities(capabilities) ?? []
                : [],
            Tags = element.TryGetProperty("tags", out JsonElement tags) ? RuleListJson.ReadTags(tags) ?? [] : [],
            JoinTokens = ReadTokens(element),
            RemoteTraceTarget = element.TextOrNull("remoteTraceTarget"),
            RemoteTraceLevel = element.NumberOrNull("remoteTraceLevel") ?? 0,
            RulesSource = element.TextOrNull("rulesSource") ?? "",
            RequiresLogin = element.TruthOrNull("ssoEnabled") ?? false,
            ClientId = element.TextOrNull("clientId") ?? "",
            AuthorizationEndpoint = element.TextOrNull("authorizationEndpoint") ?? "",
            CertificateWindow = element.NumberOrNull("certificateTimeoutWindowSize") is > 0 and < uint.MaxValue and var window
                ? TimeSpan.FromMilliseconds((double)window) : null,
            Extensions = element.Rest(Known),
        };
    }

    private static void WriteAddressing(Utf8JsonWriter writer, ControllerNetwork network)
    {
        writer.WriteStartArray("routes");
        foreach (NetworkRoute route in network.Routes)
        {
            writer.WriteStartObject();
            writer.WriteString("target", string.Create(CultureInfo.InvariantCulture, $"{route.Target}/{route.PrefixLength}"));
            writer.WriteString("via", route.Via?.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("ipAssignmentPools");
        foreach (AddressPool pool in network.AddressPools)
        {
            writer.WriteStartObject();
            writer.WriteString("ipRangeStart", pool.First.ToString());
            writer.WriteString("ipRangeEnd", pool.Last.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();

        // Programs expect an empty array when DNS was never set (docs/protocol/5-http-api.md 5.5.2).
        if (network.Dns is not { } dns)
        {
            writer.WriteStartArray("dns");
            writer.WriteEndArray();
            return;
        }

        writer.WriteStartObject("dns");
        writer.WriteString("domain", dns.Domain);
        writer.WriteStartArray("servers");
        foreach (string server in dns.Servers)
        {
            writer.WriteStringValue(server);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteRules(Utf8JsonWriter writer, ControllerNetwork network)
    {
        WriteRules(writer, network.Rules);
        writer.WriteStartArray("capabilities");
        foreach (NetworkCapability capability in network.Capabilities)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", capability.Id);
            writer.WriteBoolean("default", capability.IsDefault);
            WriteRules(writer, capability.Rules);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("tags");
        foreach (NetworkTag tag in network.Tags)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", tag.Id);
            if (tag.Default is { } number)
            {
                writer.WriteNumber("default", number);
            }
            else
            {
                writer.WriteNull("default");
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteRules(Utf8JsonWriter writer, ImmutableArray<NetworkRule> rules)
    {
        writer.WriteStartArray("rules");
        foreach (NetworkRule rule in rules)
        {
            RuleJson.Write(writer, rule);
        }

        writer.WriteEndArray();
    }

    private static void WriteTokens(Utf8JsonWriter writer, ControllerNetwork network)
    {
        if (network.JoinTokens.IsEmpty)
        {
            writer.WriteStartArray("authTokens");
            writer.WriteNullValue();
            writer.WriteEndArray();
            return;
        }

        writer.WriteStartObject("authTokens");
        foreach ((string token, DateTimeOffset? expires) in network.JoinTokens)
        {
            // 0 means never, so an expiry time of 1970 or before is written as 1.
            writer.WriteNumber(token, expires is { } end ? Math.Max(1, end.ToUnixTimeMilliseconds()) : 0);
        }

        writer.WriteEndObject();
    }

    private static IPv6Assignment ReadIPv6(JsonElement modes) =>
        (modes.TruthOrNull("6plane") == true ? IPv6Assignment.SixPlane : 0) |
        (modes.TruthOrNull("rfc4193") == true ? IPv6Assignment.Rfc4193 : 0) |
        (modes.TruthOrNull("zt") == true ? IPv6Assignment.Pool : 0);

    private static NetworkRoute? ReadRoute(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object || element.TextOrNull("target") is not { } text)
        {
            return null;
        }

        int slash = text.IndexOf('/', StringComparison.Ordinal);
        int bits = 0;
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out IPAddress? target) ||
            (slash >= 0 && !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out bits)) ||
            bits > target.GetAddressBytes().Length * 8)
        {
            return null;
        }

        var via = ReadAddress(element.TextOrNull("via"));
        return new NetworkRoute(target, bits, via?.AddressFamily == target.AddressFamily ? via : null);
    }

    private static AddressPool? ReadPool(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && ReadAddress(element.TextOrNull("ipRangeStart")) is { } first &&
            ReadAddress(element.TextOrNull("ipRangeEnd")) is { } last &&
        first.AddressFamily == last.AddressFamily
            ? new AddressPool(first, last)
            : null;

    private static IPAddress? ReadAddress(string? text) =>
        text is not null && IPAddress.TryParse(text.Split('/')[0], out IPAddress? address) ? address : null;

    private static NetworkDnsSettings? ReadDns(JsonElement element) => element.ValueKind != JsonValueKind.Object
        ? null
        : new(
            element.TextOrNull("domain") ?? "",
            [.. element.Items("servers").Select(s => s.ValueKind == JsonValueKind.String ? s.GetString()! : "")]);

    private static ImmutableSortedDictionary<string, DateTimeOffset?> ReadTokens(JsonElement element)
    {
        var tokens = ImmutableSortedDictionary.CreateBuilder<string, DateTimeOffset?>(StringComparer.Ordinal);
        foreach (JsonProperty token in element.Properties("authTokens"))
        {
            if (token.Value.ValueKind == JsonValueKind.Number && token.Value.TryGetInt64(out long expires) && expires >= 0)
            {
                tokens[token.Name] = JsonValues.ToTime(expires);
            }
        }

        return tokens.ToImmutable();
    }
}
