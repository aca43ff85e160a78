using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>Validates the settings that only a web app has: each message names the setting, the value and a valid example.</summary>
internal sealed class ServerOptionsValidator : IValidateOptions<ZeroTierOptions>
{
    private const string Section = ZeroTierNodeOptions.SectionName;

    public ValidateOptionsResult Validate(string? name, ZeroTierOptions options)
    {
        var failures = new List<string>();
        if (!options.Enabled)
        {
            // No other setting is used.
            return ValidateOptionsResult.Success;
        }

        if (options is { TakeAllEndpoints: true, CarriesController: true, Networks.Count: 0 })
        {
            failures.Add(
                $"{Section}:TakeAllEndpoints is 'true' and {Section}:Networks is empty, so there is no network to serve on. Make a "
                + "network, and add its ID.");
        }

        if (options.TakeAllEndpoints && options.Networks.Count > 1)
        {
            failures.Add(
                $"{Section}:TakeAllEndpoints is 'true' with {options.Networks.Count} networks, so it is not clear which one gets the "
                + $"endpoints. Configure one network, or list endpoints, for example zt.Listen(\"{options.Networks[0]}\", 8080).");
        }

        if (options.Health.OfflineGracePeriod < TimeSpan.Zero || options.Health.OfflineGracePeriod > TimeSpan.FromDays(1))
        {
            failures.Add(
                $"{Section}:OfflineGracePeriod is '{options.Health.OfflineGracePeriod}', which is not in the range of 0 to 1 day. A valid "
                + "example is 00:00:30.");
        }

        foreach (var entry in options.ListenEntries)
        {
            CheckEntry(options, entry, failures);
        }

        // Invalid network IDs are reported by the validator of the node's options.
        if (failures.Count == 0 && options.Networks.All(network => NetworkId.TryParse(network, out _)))
        {
            CheckPorts(options, failures);
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>
    /// Reports two endpoints with the same port here: the error of the later bind would name the address and not the setting.
    /// </summary>
    private static void CheckPorts(ZeroTierOptions options, List<string> failures)
    {
        var seen = new List<ZeroTierEndPoint>();
        foreach (var endPoint in KestrelEndpoints.Configured(options).Where(endPoint => endPoint.Port != 0))
        {
            if (seen.Exists(other => other.Port == endPoint.Port && other.Network == endPoint.Network
                && (other.Address is null || endPoint.Address is null || other.Address.Equals(endPoint.Address))))
            {
                failures.Add(
                    $"{Section}:Listen has port {endPoint.Port} of network {endPoint.Network} more than once; configuration and "
                    + "code add up. Leave it in one place, or use another port, for example "
                    + $"{(endPoint.Port < IPEndPoint.MaxPort ? endPoint.Port + 1 : 8080)}.");
                return;
            }

            seen.Add(endPoint);
        }
    }

    private static void CheckEntry(ZeroTierOptions options, ListenEntry entry, List<string> failures)
    {
        if (entry.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
        {
            failures.Add(
                $"{Section}:Listen has {entry.Describe()}, whose port is not in the range of 0 to 65535. A valid example is 8080.");
        }

        if (entry.Address is { } address && !IsUnicast(address))
        {
            failures.Add(
                $"{Section}:Listen has {entry.Describe()}, but {address} is never an address of this node on a network. Leave it out, as "
                + $"in {entry.Port}, to serve every address of the node.");
        }

        if (entry.Network is { } network)
        {
            if (!NetworkId.TryParse(network, out _))
            {
                failures.Add(
                    $"{Section}:Listen has {entry.Describe()}, where '{network}' is not a network ID. A valid example is "
                    + $"{NodeOptionsValidator.NetworkExample}.");
            }
            else if (!options.Networks.Contains(network, StringComparer.OrdinalIgnoreCase))
            {
                failures.Add(
                    $"{Section}:Listen has {entry.Describe()}, but network '{network}' is not in {Section}:Networks. Add it there, for "
                    + $"example zt.Networks.Add(\"{network}\").");
            }
        }
        else if (entry.Address is not null && options.Networks.Count > 1)
        {
            failures.Add(
                $"{Section}:Listen has {entry.Describe()} with {options.Networks.Count} networks, so it is not clear on which. A valid "
                + $"example in code is zt.Listen(\"{options.Networks[0]}\", IPAddress.Parse(\"{entry.Address}\"), {entry.Port}).");
        }
    }

    private static bool IsUnicast(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return !address.IsIPv6Multicast
                && !IPAddress.IsLoopback(address)
                && !address.Equals(IPAddress.IPv6Any)
                && !address.IsIPv4MappedToIPv6;
        }

        // RFC 1122, 3.2.1.3: "this network", loopback, and multicast and above.
        return address.GetAddressBytes()[0] is not (0 or 127 or >= 224);
    }
}
