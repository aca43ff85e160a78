using System.Net;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;
using ZeroTier.Managed;
using ZeroTier.Names;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Validates the options of the node: each message names the setting, the value and a valid example.</summary>
internal sealed class NodeOptionsValidator : IValidateOptions<ZeroTierNodeOptions>
{
    private const string Section = ZeroTierNodeOptions.SectionName;
    // An ad-hoc network, which every engine supports and which needs no controller.
    public const string NetworkExample = "ff1f90ffff000000";

    public ValidateOptionsResult Validate(string? name, ZeroTierNodeOptions options)
    {
        var failures = new List<string>(options.Section?.Errors ?? []);
        if (!options.Enabled && failures.Count == 0)
        {
            // No other setting is used.
            return ValidateOptionsResult.Success;
        }

        if (options.Networks.Count == 0 && !options.CarriesController && failures.Count == 0)
        {
            failures.Add(NothingToJoin(options));
        }

        CheckNetworks(options, failures);
        CheckHosts(options, failures);
        CheckPaths(options, failures);
        CheckIdentity(options, failures);
        CheckNumbers(options, failures);
        CheckEngine(options, failures);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static void CheckNetworks(ZeroTierNodeOptions options, List<string> failures)
    {
        foreach (string network in options.Networks)
        {
            if (!NetworkId.TryParse(network, out var id) || id.Value == 0)
            {
                failures.Add(
                    $"{Section}:Networks holds '{network}', which is not a network ID. A valid example is {NetworkExample}: 16 hexadecimal "
                    + "digits, here of an ad-hoc network that opens ports 8080 (1f90) to 65535 (ffff).");
            }
        }
    }

    private static void CheckHosts(ZeroTierNodeOptions options, List<string> failures)
    {
        foreach (var (name, target) in options.Hosts)
        {
            // Names that already have a meaning, addresses and .zt names, cannot be redefined.
            string? key = DnsName.Normalize(name);
            if (key is null || IPAddress.TryParse(name, out _) || key.EndsWith(ZeroTierName.Suffix, StringComparison.Ordinal))
            {
                failures.Add(
                    $"{Section}:Hosts has '{Printable(name)}', which is not a name of one's own: letters, digits, hyphens and dots, not an "
                    + "address, and not ending with .zt. A valid example is orders.");
            }
            else if (!IPAddress.TryParse(target, out _)
                && !NodeId.TryParse(target, out _)
                && !ZeroTierName.TryParseMember(target, out _, out _))
            {
                failures.Add(
                    $"{Section}:Hosts:{name} is '{Printable(target)}', which is no address and no node. A valid example is 10.147.17.5, "
                    + $"89e92ceee5 or 89e92ceee5.{NetworkExample}.zt.");
            }
        }

        if (options.Hosts.Keys.Select(DnsName.Normalize)
            .GroupBy(key => key)
            .FirstOrDefault(same => same.Key is not null && same.Count() > 1) is { } twice)
        {
            failures.Add($"{Section}:Hosts has '{twice.Key}' more than once. Leave it in one place.");
        }
    }

    private static string NothingToJoin(ZeroTierNodeOptions options) =>
        $"{Section}:Networks is empty, so there is nothing to join. Set it to the network's ID, for example "
        + $"{Section}__Networks={NetworkExample} in the environment, \"{Section}\": {{ \"Networks\": [ \"{NetworkExample}\" ] }} in "
        + $"appsettings.json, or zt.Networks.Add(\"{NetworkExample}\") in code. "
        + "Without a network of your own, set the environment to Development or call zt.UseDevelopmentNetwork()."
        + (options.MisspeltSectionMessage is { } misspelt ? $" {misspelt}" : "");

    /// <summary>The messages never contain the secret.</summary>
    private static void CheckIdentity(ZeroTierNodeOptions options, List<string> failures)
    {
        if (options.IdentitySecret is not { } secret)
        {
            return;
        }

        if (StorageFolder.Of(options.StoragePath) is { } storage)
        {
            failures.Add(
                $"{Section}:IdentitySecret is set together with {Section}:StoragePath '{Printable(storage)}', which holds an identity "
                + $"of its own. Remove one of the two, or set StoragePath to {StorageFolder.Memory}.");
        }

        NodeIdentity.TryParse(secret, out var identity);
        using (identity)
        {
            if (identity is not { HasSecret: true } || !identity.IsLocallyValid())
            {
                failures.Add(
                    $"{Section}:IdentitySecret is not an identity with its private key (the value is not shown). It is the whole text of a "
                    + "file identity.secret: address:0:public key:private key, in hexadecimal.");
            }
        }
    }

    private static void CheckPaths(ZeroTierNodeOptions options, List<string> failures)
    {
        if (StorageFolder.Of(options.StoragePath) is { } storage)
        {
            if (storage.Length == 0 || storage.AsSpan().ContainsAny(Path.GetInvalidPathChars()))
            {
                failures.Add(
                    $"{Section}:StoragePath is '{Printable(storage)}', which is not a path. A valid example is /var/lib/myapp/zerotier.");
            }
            else if (File.Exists(storage))
            {
                failures.Add(
                    $"{Section}:StoragePath is '{storage}', which is a file. It must be a folder, for example /var/lib/myapp/zerotier.");
            }
        }

        if (options.Engine != ZeroTierEngine.Managed
            && options.LibztPath is { } library
            && !File.Exists(library)
            && !Directory.Exists(library))
        {
            failures.Add(
                $"{Section}:LibztPath is '{Printable(library)}', where there is neither a file nor a folder. A valid example is "
                + "/usr/local/lib/libzt.so.");
        }

        if (options.PlanetPath is { } planet)
        {
            if (options.DevelopmentNetworkSelected)
            {
                failures.Add(
                    $"{Section}:PlanetPath is '{Printable(planet)}' together with UseDevelopmentNetwork(), which has a planet of its own. "
                    + "Remove one of the two.");
            }
            else if (WhyUnreadable(planet) is { } why)
            {
                failures.Add(
                    $"{Section}:PlanetPath is '{Printable(planet)}', {why}. A valid example is /etc/myapp/planet, made with 'zt "
                    + "planet create'.");
            }

            if (options.PublicRoots)
            {
                failures.Add(
                    $"{Section}:PublicRoots is 'true' together with PlanetPath '{Printable(planet)}', which has roots of its own. Remove "
                    + "one of the two.");
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
        catch (Exception exception)
            when (exception is FileNotFoundException or DirectoryNotFoundException or ArgumentException or NotSupportedException)
        {
            return "where there is no file";
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            return $"which this process may not read ({exception.Message.TrimEnd('.')}): give its user '{Environment.UserName}' "
                + "the right to";
        }
    }

    private static void CheckNumbers(ZeroTierNodeOptions options, List<string> failures)
    {
        Range("Port", options.Port, IPEndPoint.MinPort, IPEndPoint.MaxPort, "0 (any) or 9993", failures);
        Range("Backlog", options.Transport.Backlog, 1, 65535, "512", failures);
        Range("IOQueueCount", options.Transport.IOQueueCount, 0, 1024, "4", failures);
        Range("MaxReadBufferSize", options.Transport.MaxReadBufferSize ?? 0, 0, long.MaxValue, "1048576", failures);
        Range("MaxWriteBufferSize", options.Transport.MaxWriteBufferSize ?? 0, 0, long.MaxValue, "65536", failures);
        Range(
            "MaxTotalBufferSize", options.Transport.MaxTotalBufferSize ?? long.MaxValue, 1024 * 1024, long.MaxValue, "268435456", failures);
        Range("MaxCaptureSize", options.MaxCaptureSize, 4096, long.MaxValue, "67108864", failures);
        if (options.RequireReadyWithin is { } within && (within <= TimeSpan.Zero || within > TimeSpan.FromDays(1)))
        {
            failures.Add(
                $"{Section}:RequireReadyWithin is '{within}', which is not in the range of more than 0 to 1 day. A valid example "
                + "is 00:00:30.");
        }

        if (options.Transport.ConnectTimeout <= TimeSpan.Zero || options.Transport.ConnectTimeout > TimeSpan.FromDays(1))
        {
            failures.Add(
                $"{Section}:ConnectTimeout is '{options.Transport.ConnectTimeout}', which is not in the range of more than 0 to 1 day. A "
                + "valid example is 00:00:10.");
        }
    }

    private static void CheckEngine(ZeroTierNodeOptions options, List<string> failures)
    {
        if (options.Engine == ZeroTierEngine.Libzt && options.DevelopmentNetworkSelected)
        {
            failures.Add(
                $"{Section}:Engine is 'Libzt' together with the development network, whose root lives on loopback, which libzt "
                + "does not use. Set it to Auto or Managed, or configure Networks and, for roots of your own, PlanetPath.");
        }
        else if (options.Engine == ZeroTierEngine.Libzt && options.ManagedOnly.FirstOrDefault() is { } setting)
        {
            failures.Add(
                $"{Section}:{setting} is set, which only the managed engine has, together with {Section}:Engine 'Libzt'. Remove one of the "
                + "two, or set Engine to Auto or Managed.");
        }
        else if (!Enum.IsDefined(options.Engine))
        {
            failures.Add($"{Section}:Engine is '{options.Engine}', which does not exist. A valid example is Managed.");
        }

        if (!Enum.IsDefined(options.CongestionControl))
        {
            failures.Add($"{Section}:CongestionControl is '{options.CongestionControl}', which does not exist. A valid example is Bbr.");
        }

        if (options.TcpRelay is { Port: 0 } relay)
        {
            failures.Add($"{Section}:TcpRelay is '{relay}', which has no port. A valid example is 203.0.113.5:8443.");
        }

        if (options.TcpRelayListen is { Port: 0 } listen)
        {
            failures.Add($"{Section}:TcpRelayListen is '{listen}', which has no port. A valid example is 0.0.0.0:8443.");
        }

        if (options.BlockedInterfaces.Any(string.IsNullOrEmpty))
        {
            failures.Add($"{Section}:BlockedInterfaces holds an empty text, with which every name begins. A valid example is docker.");
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

    /// <summary>Replaces control characters, which could hide the message in a terminal.</summary>
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
