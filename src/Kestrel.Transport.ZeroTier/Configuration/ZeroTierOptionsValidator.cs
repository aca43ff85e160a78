using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>Says at start what is wrong with the options: each message names the setting, the value and a valid example.</summary>
internal sealed class ZeroTierOptionsValidator : IValidateOptions<ZeroTierOptions>
{
    private const string Section = ZeroTierOptions.SectionName;
    // An ad-hoc network, which works with every engine and needs no controller.
    private const string NetworkExample = "ff1f90ffff000000";

    public ValidateOptionsResult Validate(string? name, ZeroTierOptions options)
    {
        var failures = new List<string>(options.ConfigurationErrors);
        if (!options.Enabled && failures.Count == 0)
        {
            // Nothing of the rest is used.
            return ValidateOptionsResult.Success;
        }

        CheckNetworks(options, failures);
        CheckPaths(options, failures);
        CheckIdentity(options, failures);
        CheckNumbers(options, failures);
        foreach (var entry in options.ListenEntries)
        {
            CheckEntry(options, entry, failures);
        }

        if (failures.Count == 0)
        {
            CheckPorts(options, failures);
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static void CheckNetworks(ZeroTierOptions options, List<string> failures)
    {
        foreach (string network in options.Networks)
        {
            if (!NetworkId.TryParse(network, out var id) || id.Value == 0)
            {
                failures.Add($"{Section}:Networks holds '{network}', which is not a network ID. A valid example is {NetworkExample}: 16 hexadecimal digits, here of an ad-hoc network that opens ports 8080 (1f90) to 65535 (ffff).");
            }
        }

        if (options.Networks.Count == 0 && options.ConfigurationErrors.Count == 0)
        {
            failures.Add(
                $"{Section}:Networks is empty, so there is nothing to join. Set it to the network's ID, for example {Section}__Networks={NetworkExample} in the environment, "
                + $"\"{Section}\": {{ \"Networks\": [ \"{NetworkExample}\" ] }} in appsettings.json, or zt.Networks.Add(\"{NetworkExample}\") in code. "
                + "Without a network of your own, set the environment to Development or call zt.UseDevelopmentNetwork()."
                + (options.MisspeltSectionMessage is { } misspelt ? $" {misspelt}" : ""));
        }

        if (options.TakeAllEndpoints && options.Networks.Count > 1)
        {
            failures.Add($"{Section}:TakeAllEndpoints is 'true' with {options.Networks.Count} networks, so it is not clear which one gets the endpoints. Configure one network, or list endpoints, for example zt.Listen(\"{options.Networks[0]}\", 8080).");
        }
    }

    /// <summary>The texts never hold the secret.</summary>
    private static void CheckIdentity(ZeroTierOptions options, List<string> failures)
    {
        if (options.IdentitySecret is not { } secret)
        {
            return;
        }

        if (StorageFolder.Of(options.StoragePath) is { } storage)
        {
            failures.Add(
                $"{Section}:IdentitySecret is set together with {Section}:StoragePath '{Printable(storage)}', which holds an identity of its own. "
                + $"Remove one of the two, or set StoragePath to {StorageFolder.Memory}.");
        }

        NodeIdentity.TryParse(secret, out var identity);
        using (identity)
        {
            if (identity is not { HasSecret: true } || !identity.IsLocallyValid())
            {
                failures.Add(
                    $"{Section}:IdentitySecret is not an identity with its private key (the value is not shown). It is the whole text of a file identity.secret: "
                    + "address:0:public key:private key, in hexadecimal.");
            }
        }
    }

    private static void CheckPaths(ZeroTierOptions options, List<string> failures)
    {
        if (StorageFolder.Of(options.StoragePath) is { } storage)
        {
            if (storage.Length == 0 || storage.AsSpan().ContainsAny(Path.GetInvalidPathChars()))
            {
                failures.Add($"{Section}:StoragePath is '{Printable(storage)}', which is not a path. A valid example is /var/lib/myapp/zerotier.");
            }
            else if (File.Exists(storage))
            {
                failures.Add($"{Section}:StoragePath is '{storage}', which is a file. It must be a folder, for example /var/lib/myapp/zerotier.");
            }
        }

        if (options.Engine != ZeroTierEngine.Managed && options.LibztPath is { } library && !File.Exists(library) && !Directory.Exists(library))
        {
            failures.Add($"{Section}:LibztPath is '{Printable(library)}', where there is neither a file nor a folder. A valid example is /usr/local/lib/libzt.so.");
        }

        if (options.PlanetPath is { } planet)
        {
            if (options.DevelopmentNetworkSelected)
            {
                failures.Add($"{Section}:PlanetPath is '{Printable(planet)}' together with UseDevelopmentNetwork(), which has a planet of its own. Remove one of the two.");
            }
            else if (WhyUnreadable(planet) is { } why)
            {
                failures.Add($"{Section}:PlanetPath is '{Printable(planet)}', {why}. A valid example is /etc/myapp/planet, made with 'zt planet create'.");
            }

            if (options.PublicRoots)
            {
                failures.Add(
                    $"{Section}:PublicRoots is 'true' together with PlanetPath '{Printable(planet)}', which has roots of its own. Remove one of the two.");
            }
        }
    }

    /// <summary>Opens the file, because File.Exists is also false for a file that exists but may not be accessed.</summary>
    private static string? WhyUnreadable(string path)
    {
        if (Directory.Exists(path))
        {
            return "which is a folder";
        }

        try
        {
            using var file = File.OpenHandle(path);
            return null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or ArgumentException or NotSupportedException)
        {
            return "where there is no file";
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            return $"which this process may not read ({exception.Message.TrimEnd('.')}): give its user '{Environment.UserName}' the right to";
        }
    }

    /// <summary>Two endpoints that claim one port would fail when the server binds them, with the address as text and not the setting.</summary>
    private static void CheckPorts(ZeroTierOptions options, List<string> failures)
    {
        var seen = new List<ZeroTierEndPoint>();
        foreach (var endPoint in KestrelEndpoints.Configured(options).Where(endPoint => endPoint.Port != 0))
        {
            if (seen.Exists(other => other.Port == endPoint.Port && other.Network == endPoint.Network
                && (other.Address is null || endPoint.Address is null || other.Address.Equals(endPoint.Address))))
            {
                failures.Add(
                    $"{Section}:Listen has port {endPoint.Port} of network {endPoint.Network} more than once; configuration and code add up. "
                    + $"Leave it in one place, or use another port, for example {(endPoint.Port < IPEndPoint.MaxPort ? endPoint.Port + 1 : 8080)}.");
                return;
            }

            seen.Add(endPoint);
        }
    }

    private static void CheckNumbers(ZeroTierOptions options, List<string> failures)
    {
        Range("Port", options.Port, IPEndPoint.MinPort, IPEndPoint.MaxPort, "0 (any) or 9993", failures);
        Range("Backlog", options.Transport.Backlog, 1, 65535, "512", failures);
        Range("IOQueueCount", options.Transport.IOQueueCount, 0, 1024, "4", failures);
        Range("MaxReadBufferSize", options.Transport.MaxReadBufferSize ?? 0, 0, long.MaxValue, "1048576", failures);
        Range("MaxWriteBufferSize", options.Transport.MaxWriteBufferSize ?? 0, 0, long.MaxValue, "65536", failures);
        Range("MaxTotalBufferSize", options.Transport.MaxTotalBufferSize ?? long.MaxValue, 1024 * 1024, long.MaxValue, "268435456", failures);
        if (options.RequireReadyWithin is { } within && (within <= TimeSpan.Zero || within > TimeSpan.FromDays(1)))
        {
            failures.Add($"{Section}:RequireReadyWithin is '{within}', which is not in the range of more than 0 to 1 day. A valid example is 00:00:30.");
        }

        if (options.Health.OfflineGracePeriod < TimeSpan.Zero || options.Health.OfflineGracePeriod > TimeSpan.FromDays(1))
        {
            failures.Add($"{Section}:OfflineGracePeriod is '{options.Health.OfflineGracePeriod}', which is not in the range of 0 to 1 day. A valid example is 00:00:30.");
        }

        if (options.Engine == ZeroTierEngine.Libzt && options.DevelopmentNetworkSelected)
        {
            failures.Add(
                $"{Section}:Engine is 'Libzt' together with the development network, whose root lives on loopback, which libzt does not use. "
                + "Set it to Auto or Managed, or configure Networks and, for roots of your own, PlanetPath.");
        }
        else if (!Enum.IsDefined(options.Engine))
        {
            failures.Add($"{Section}:Engine is '{options.Engine}', which does not exist. A valid example is Managed.");
        }
    }

    private static void CheckEntry(ZeroTierOptions options, ListenEntry entry, List<string> failures)
    {
        if (entry.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
        {
            failures.Add($"{Section}:Listen has {entry.Describe()}, whose port is not in the range of 0 to 65535. A valid example is 8080.");
        }

        if (entry.Address is { } address && !IsUnicast(address))
        {
            failures.Add($"{Section}:Listen has {entry.Describe()}, but {address} is never an address of this node on a network. Leave it out, as in {entry.Port}, to serve every address of the node.");
        }

        if (entry.Network is { } network)
        {
            if (!NetworkId.TryParse(network, out _))
            {
                failures.Add($"{Section}:Listen has {entry.Describe()}, where '{network}' is not a network ID. A valid example is {NetworkExample}.");
            }
            else if (!options.Networks.Contains(network, StringComparer.OrdinalIgnoreCase))
            {
                failures.Add($"{Section}:Listen has {entry.Describe()}, but network '{network}' is not in {Section}:Networks. Add it there, for example zt.Networks.Add(\"{network}\").");
            }
        }
        else if (entry.Address is not null && options.Networks.Count > 1)
        {
            failures.Add($"{Section}:Listen has {entry.Describe()} with {options.Networks.Count} networks, so it is not clear on which. A valid example in code is zt.Listen(\"{options.Networks[0]}\", IPAddress.Parse(\"{entry.Address}\"), {entry.Port}).");
        }
    }

    private static void Range(string setting, long value, long low, long high, string example, List<string> failures)
    {
        if (value < low || value > high)
        {
            string upper = high == long.MaxValue ? "or more" : $"to {high}";
            failures.Add($"{Section}:{setting} is '{value}', which is not in the range of {low} {upper}. A valid example is {example}.");
        }
    }

    private static bool IsUnicast(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return !address.IsIPv6Multicast && !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.IPv6Any) && !address.IsIPv4MappedToIPv6;
        }

        // RFC 1122, 3.2.1.3: "this network", loopback, multicast and what is above.
        return address.GetAddressBytes()[0] is not (0 or 127 or >= 224);
    }

    /// <summary>Control characters in a path would hide the message in a terminal.</summary>
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
