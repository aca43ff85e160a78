using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Tests;

public class NodeOptionsTests
{
    [Theory]
    [InlineData("Networks", "8056c2e21c00000", "ff1f90ffff000000")]
    [InlineData("Networks", "0000000000000000", "ff1f90ffff000000")]
    [InlineData("Port", "70000", "9993")]
    [InlineData("Port", "nine", "9993")]
    [InlineData("Engine", "Native", "Managed")]
    [InlineData("Engine", "7", "Managed")]
    [InlineData("LibztPath", "/nowhere/libzt.so", "/usr/local/lib/libzt.so")]
    [InlineData("PlanetPath", "/nowhere/planet", "/etc/myapp/planet")]
    [InlineData("StoragePath", "/proc/self/status", "/var/lib/myapp/zerotier")]
    [InlineData("Backlog", "0", "512")]
    [InlineData("IOQueueCount", "-1", "4")]
    [InlineData("MaxReadBufferSize", "-5", "1048576")]
    [InlineData("MaxTotalBufferSize", "1000", "268435456")]
    [InlineData("ConnectTimeout", "00:00:00", "00:00:10")]
    [InlineData("RequireReadyWithin", "soon", "00:00:30")]
    [InlineData("RequireReadyWithin", "-00:00:01", "00:00:30")]
    [InlineData("RequireReadyWithin", "1", "00:00:30")]
    [InlineData("DevelopmentNetwork", "yes", "true")]
    [InlineData("AllowDefaultRoutes", "yes", "true")]
    [InlineData("CongestionControl", "Reno", "Bbr")]
    [InlineData("Moons", "/nowhere/a.moon", "deadbeef00@8056c2e21c")]
    [InlineData("Moons", "0@8056c2e21c", "deadbeef00@8056c2e21c")]
    [InlineData("BlockedNetworks", "10.8", "10.8.0.0/16")]
    [InlineData("BlockedInterfaces:0", "", "docker")]
    [InlineData("TcpRelay", "10.1.2.3", "203.0.113.5:8443")]
    [InlineData("TcpRelayListen", "8443", "0.0.0.0:8443")]
    [InlineData("TcpRelayListen", "0.0.0.0:0", "0.0.0.0:8443")]
    public void Invalid_values_name_the_setting_the_value_and_an_example(string setting, string value, string example)
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            setting == "Networks"
                ? Read("Production", (setting, value))
                : Read("Production", ("Networks", "8056c2e21c000001"), (setting, value)));
        Assert.Contains($"ZeroTier:{setting.Split(':')[0]}", error.Message, StringComparison.Ordinal);
        Assert.Contains(value.Split('.')[0], error.Message, StringComparison.Ordinal);
        Assert.Contains(example, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Congestion_control_is_Bbr_unless_set()
    {
        Assert.Equal(CongestionControl.Bbr, new ZeroTierNodeOptions().CongestionControl);
        Assert.Equal(CongestionControl.Bbr, new ManagedNodeOptions().CongestionControl);
    }

    [Fact]
    public void Settings_of_the_managed_engine_are_bound()
    {
        var options = Read(
            "Production", ("Networks", "8056c2e21c000001"), ("AllowDefaultRoutes", "true"), ("AllowGlobalAddresses", "true"),
            ("CongestionControl", "cubic"),
            ("Moons", "deadbeef00@8056c2e21c"), ("BlockedNetworks", "10.8.0.0/16, fd00::/8"), ("BlockedInterfaces:0", "docker"),
            ("TcpRelay", "203.0.113.5:8443"), ("TcpRelayListen", "0.0.0.0:8444"));
        Assert.Equal(("203.0.113.5:8443", "0.0.0.0:8444"), (options.TcpRelay?.ToString(), options.TcpRelayListen?.ToString()));
        Assert.True(options is { AllowDefaultRoutes: true, AllowGlobalAddresses: true, CongestionControl: CongestionControl.Cubic });
        Assert.Equal((0xdeadbeef00UL, NodeId.Parse("8056c2e21c")), options.Moons.Select(moon => (moon.Id, moon.Seed!.Value)).Single());
        Assert.Equal(["10.8.0.0/16", "fd00::/8"], options.BlockedNetworks.Select(network => network.ToString()));
        Assert.Equal(["docker"], options.BlockedInterfaces);
    }

    [Theory]
    [InlineData("Hosts:8056c2e21c.zt", "10.1.2.3", "A valid example is orders")]
    [InlineData("Hosts:10.1.2.3", "10.1.2.4", "A valid example is orders")]
    [InlineData("Hosts:a b", "10.1.2.4", "A valid example is orders")]
    [InlineData("Hosts:orders", "invoices", "ZeroTier:Hosts:orders is 'invoices'")]
    [InlineData("Hosts:orders", "", "89e92ceee5.ff1f90ffff000000.zt")]
    [InlineData("Hosts:orders:Node", "8056c2e21c", "89e92ceee5.ff1f90ffff000000.zt")]
    public void Wrong_hosts_are_refused_with_an_example(string setting, string value, string remedy)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production", ("Networks", "8056c2e21c000001"), (setting, value)));
        Assert.Contains("ZeroTier:Hosts", error.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_that_libzt_would_ignore_is_refused_with_it()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("Engine", "Libzt"), ("BlockedNetworks", "10.8.0.0/16")));
        Assert.Contains("ZeroTier:BlockedNetworks is set, which only the managed engine has", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Planet", "/etc/myapp/planet", "PlanetPath")]
    [InlineData("Network:0", "8056c2e21c000001", "Networks")]
    public void Misspelt_settings_are_refused(string setting, string value, string right)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production", ("Networks", "8056c2e21c000001"), (setting, value)));
        Assert.Contains($"ZeroTier:{setting.Split(':')[0]} is not a setting.", error.Message, StringComparison.Ordinal);
        Assert.Contains(right, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_planet_that_is_a_folder_is_not_called_missing()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("PlanetPath", Path.GetTempPath())));
        Assert.Contains("which is a folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_planet_that_may_not_be_read_is_not_called_missing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "This user may read everything.");
        string file = Path.GetTempFileName();
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file, UnixFileMode.None);
            }

            var error = Assert.Throws<OptionsValidationException>(
                () => Read("Production", ("Networks", "8056c2e21c000001"), ("PlanetPath", file)));
            Assert.Contains("may not read", error.Message, StringComparison.Ordinal);
            Assert.Contains(Environment.UserName, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Public_roots_and_a_planet_exclude_each_other()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            Read("Production", ("Networks", "8056c2e21c000001"), ("PublicRoots", "true"), ("PlanetPath", "/proc/self/status")));
        Assert.Contains("ZeroTier:PublicRoots", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ZeroTeir", true)]
    [InlineData("zerotir", true)]
    [InlineData("ZeroTierr", true)]
    [InlineData("ZeroTyer", true)]
    [InlineData("Zero", false)]
    [InlineData("ZeroTier2", false)]
    [InlineData("ZeroTrust", false)]
    public void A_section_that_is_nearly_ours_is_named(string section, bool named)
    {
        var error = Assert.Throws<OptionsValidationException>(() => ReadAll("Production", ($"{section}:Networks", "8056c2e21c000001")));
        Assert.Equal(named, error.Message.Contains($"section '{section}'", StringComparison.Ordinal));
    }

    [Fact]
    public void A_variable_of_the_environment_is_no_section() =>
        Assert.Null(ReadAll("Production", ("ZeroTier:Networks", "8056c2e21c000001"), ("ZeroTie", "text")).MisspeltSection);

    [Fact]
    public void What_is_switched_off_needs_no_network() => Assert.False(Read("Production", ("Enabled", "false")).Enabled);

    [Theory]
    [InlineData("//")]
    [InlineData("//Port")]
    [InlineData("_comment")]
    [InlineData("$schema")]
    public void Notes_in_the_section_are_no_settings(string key) =>
        Assert.Single(Read("Production", ("Networks", "8056c2e21c000001"), (key, "text")).Networks);

    [Fact]
    public void Buffer_sizes_may_be_beyond_32_bits()
    {
        var options = Read("Production", ("Networks", "8056c2e21c000001"), ("MaxReadBufferSize", "5000000000"));
        Assert.Equal(5_000_000_000, options.Transport.MaxReadBufferSize);
    }

    [Fact]
    public void Every_problem_is_reported_at_once()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("Port", "x"), ("Backlog", "0")));
        Assert.Equal(2, error.Failures.Count());
    }

    [Fact]
    public void A_missing_network_outside_development_names_the_remedies()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production"));
        Assert.Contains("ZeroTier:Networks is empty", error.Message, StringComparison.Ordinal);
        Assert.Contains("ZeroTier__Networks=ff1f90ffff000000", error.Message, StringComparison.Ordinal);
        Assert.Contains("UseDevelopmentNetwork", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_network_in_development_means_the_development_network()
    {
        var options = Read("Development");
        Assert.True(options.DevelopmentNetworkSelected);
        Assert.Equal([ZeroTier.SelfHosting.DevelopmentNetwork.Network.ToString()], options.Networks);
    }

    [Theory]
    [InlineData("Production", "DevelopmentNetworkPath", "/tmp/never-made")]
    [InlineData("Development", "Port", "0")]
    public void A_development_network_that_is_switched_off_stays_off(string environment, string setting, string value)
    {
        var options = Read(environment, ("Networks", "8056c2e21c000001"), (setting, value), ("DevelopmentNetwork", "false"));
        Assert.False(options.DevelopmentNetworkSelected);
    }

    [Fact]
    public void A_development_network_that_is_switched_off_is_no_default_of_development()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Development", ("DevelopmentNetwork", "false")));
        Assert.Contains("ZeroTier:Networks is empty", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_the_engine_does_not_use_need_not_be_there() =>
        Assert.Equal(
            "/nowhere/libzt.so",
            Read("Production", ("Networks", "8056c2e21c000001"), ("Engine", "Managed"), ("LibztPath", "/nowhere/libzt.so")).LibztPath);

    [Fact]
    public void A_planet_of_ones_own_and_the_development_network_exclude_each_other()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("DevelopmentNetwork", "true"), ("PlanetPath", "/proc/self/status")));
        Assert.Contains("ZeroTier:PlanetPath", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_development_network_and_libzt_exclude_each_other()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Development", ("Engine", "Libzt")));
        Assert.Contains("ZeroTier:Engine is 'Libzt'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Auto or Managed", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(":memory:", "")]
    [InlineData(":memory:", null)]
    public async Task An_identity_needs_no_folder(string path, string? secret)
    {
        using var identity = await NodeIdentity.GenerateAsync(cancellationToken: TestContext.Current.CancellationToken);
        string text = secret is null ? "" : identity.ToSecretText();
        var options = Read("Production", ("Networks", "8056c2e21c000001"), ("StoragePath", path), ("IdentitySecret", text + "\n"));
        Assert.Equal(secret is null ? null : text, options.IdentitySecret);
        Assert.DoesNotContain(identity.ToSecretText()[150..], options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("folder", "set together with ZeroTier:StoragePath '/tmp/a'")]
    [InlineData("cut off", "not an identity with its private key")]
    [InlineData("public", "not an identity with its private key")]
    [InlineData("another address", "not an identity with its private key")]
    public async Task An_identity_that_cannot_be_used_is_refused_and_never_shown(string fault, string expected)
    {
        using var identity = await NodeIdentity.GenerateAsync(cancellationToken: TestContext.Current.CancellationToken);
        string text = identity.ToSecretText();
        string secret = fault switch
        {
            "cut off" => text[..^1],
            "public" => identity.ToString(),
            "another address" => (text[0] == '1' ? '2' : '1') + text[1..],
            _ => text,
        };
        var error = Assert.Throws<OptionsValidationException>(
            () => Read(
                "Production",
                ("Networks", "8056c2e21c000001"),
                ("IdentitySecret", secret),
                ("StoragePath", fault == "folder" ? "/tmp/a" : ":memory:")));
        Assert.Contains("ZeroTier:IdentitySecret", Assert.Single(error.Failures), StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(text[20..60], error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(text[150..200], error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_networks_may_stand_in_one_text() =>
        Assert.Equal(
            ["8056c2e21c000001", "ff0000ffff000000"], Read("Production", ("Networks", "8056c2e21c000001, ff0000ffff000000")).Networks);

    private static ZeroTierNodeOptions Read(string environment, params (string Key, string Value)[] settings) =>
        ReadAll(environment, [.. settings.Select(s => ($"ZeroTier:{s.Key}", s.Value))]);

    private static ZeroTierNodeOptions ReadAll(string environment, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.Services.AddZeroTier();
        return builder.Services.BuildServiceProvider().GetRequiredService<IOptions<ZeroTierNodeOptions>>().Value;
    }
}
