using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace ZeroTier.Cli.Management;

/// <summary>The options of <c>create</c> and <c>set</c> for the settings of a network, converted to the API's JSON.</summary>
internal sealed class NetworkSettings
{
    /// <summary>A key that only this project's controller has.</summary>
    public const string ServeNames = "serveNames";

    private readonly Option<string?> _name = new("--name") { Description = "The name that members see." };
    private readonly Option<bool?> _private = new("--private")
    {
        Description = "true: members must be authorised; false: whoever asks is let in. At first true.",
    };
    private readonly Option<string?> _ipv4 = new("--ipv4")
    {
        Description = "Members get addresses of this prefix, for example 10.147.17.0/24; it replaces pools and routes.",
    };
    private readonly Option<string?> _ipv6 = new("--ipv6")
    {
        Description = "Addresses that follow from the nodes': rfc4193, 6plane, both with a comma, or none.",
    };
    private readonly Option<int?> _mtu = new("--mtu") { Description = "The largest Ethernet payload in bytes, 1280 to 10000." };
    private readonly Option<string?> _dns = new("--dns")
    {
        Description =
            "Domain and its name servers: corp.example=10.147.17.1[,SERVER...]; the domain alone where the controller serves names.",
    };
    private readonly Option<bool?> _serveNames = new("--serve-names")
    {
        Description = "true: the controller answers for NAME.DOMAIN of members, in the domain of --dns.",
    };

    public static NetworkSettings AddTo(Command command)
    {
        var settings = new NetworkSettings();
        command.Add(settings._name);
        command.Add(settings._private);
        command.Add(settings._ipv4);
        command.Add(settings._ipv6);
        command.Add(settings._mtu);
        command.Add(settings._dns);
        command.Add(settings._serveNames);
        return settings;
    }

    public JsonObject Read(ParseResult parse)
    {
        var json = new JsonObject();
        if (parse.GetValue(_name) is { } name)
        {
            json["name"] = name;
        }

        if (parse.GetValue(_private) is { } isPrivate)
        {
            json["private"] = isPrivate;
        }

        if (parse.GetValue(_ipv4) is { } ipv4)
        {
            AddIPv4(json, ipv4);
        }

        if (parse.GetValue(_ipv6) is { } ipv6)
        {
            AddIPv6(json, ipv6);
        }

        if (parse.GetValue(_mtu) is { } mtu)
        {
            json["mtu"] = mtu is >= 1280 and <= 10_000
                ? mtu
                : throw new FormatException($"--mtu {mtu}: it must be from 1280 to 10000, for example 2800.");
        }

        if (parse.GetValue(_dns) is { } dns)
        {
            AddDns(json, dns);
        }

        if (parse.GetValue(_serveNames) is { } serveNames)
        {
            json[ServeNames] = serveNames;
        }

        return json;
    }

    private static void AddIPv4(JsonObject json, string text)
    {
        if (!IPNetwork.TryParse(text, out var prefix)
            || prefix.BaseAddress.AddressFamily != AddressFamily.InterNetwork
            || prefix.PrefixLength is < 8 or > 30)
        {
            throw new FormatException($"--ipv4 '{text}' is not an IPv4 prefix of 8 to 30 bits. Expected, for example, 10.147.17.0/24.");
        }

        uint first = BitConverter.ToUInt32([.. prefix.BaseAddress.GetAddressBytes().Reverse()]);
        uint last = first | (uint.MaxValue >> prefix.PrefixLength);
        json["routes"] = new JsonArray(new JsonObject { ["target"] = prefix.ToString(), ["via"] = null });
        json["ipAssignmentPools"] = new JsonArray(new JsonObject { ["ipRangeStart"] = Text(first + 1), ["ipRangeEnd"] = Text(last - 1) });
        json["v4AssignMode"] = new JsonObject { ["zt"] = true };
    }

    private static string Text(uint address) => new IPAddress([.. BitConverter.GetBytes(address).Reverse()]).ToString();

    private static void AddIPv6(JsonObject json, string text)
    {
        string[] modes = text == "none" ? [] : text.Split(',');
        if (modes.FirstOrDefault(m => m is not ("rfc4193" or "6plane")) is { } wrong)
        {
            throw new FormatException($"--ipv6 '{wrong}' is not one of rfc4193, 6plane and none.");
        }

        json["v6AssignMode"] = new JsonObject
        {
            ["rfc4193"] = modes.Contains("rfc4193"),
            ["6plane"] = modes.Contains("6plane"),
            ["zt"] = false,
        };
    }

    private static void AddDns(JsonObject json, string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        string domain = at < 0 ? text : text[..at];
        string[] servers = at < 0 ? [] : text[(at + 1)..].Split(',');
        if (domain.Length == 0 || servers.Length > 4 || servers.Any(s => !IPAddress.TryParse(s, out _)))
        {
            throw new FormatException(
                $"--dns '{text}' is not a domain with up to 4 servers. Expected, for example, corp.example=10.147.17.1.");
        }

        json["dns"] = new JsonObject { ["domain"] = domain, ["servers"] = new JsonArray([.. servers.Select(s => (JsonNode)s)]) };
    }
}
