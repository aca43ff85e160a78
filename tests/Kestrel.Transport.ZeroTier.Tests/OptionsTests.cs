using Kestrel.Transport.ZeroTier.Access;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

public class OptionsTests
{
    [Theory]
    [InlineData("OfflineGracePeriod", "-00:00:01", "00:00:30")]
    [InlineData("OfflineGracePeriod", "30", "00:00:30")]
    [InlineData("OfflineGracePeriod", "30.00:00:00", "00:00:30")]
    [InlineData("KeepHostUrls", "yes", "true")]
    [InlineData("Listen", "0.0.0.0:8080", "as in 8080")]
    [InlineData("Listen", "127.0.0.1:8080", "as in 8080")]
    [InlineData("Listen", "224.0.0.1:8080", "as in 8080")]
    [InlineData("Listen", "8080:80", "10.147.17.5:8080")]
    [InlineData("Listen", "http", "8080")]
    [InlineData("Listen", "99999", "8080")]
    [InlineData("Listen", "1234567890abcdef.zt:80", "zt.Networks.Add(\"1234567890abcdef\")")]
    public void Invalid_values_name_the_setting_the_value_and_an_example(string setting, string value, string example)
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            Read("Production", ("Networks", "8056c2e21c000001"), (setting, value)));
        Assert.Contains($"ZeroTier:{setting}", error.Message, StringComparison.Ordinal);
        Assert.Contains(value.Split('.')[0], error.Message, StringComparison.Ordinal);
        Assert.Contains(example, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:10.147.17.5")]
    public void Addresses_that_no_node_has_are_refused(string address)
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("Listen", $"[{address}]:8080")));
        Assert.Contains($"ZeroTier:Listen has Listen \"{address}\" port 8080", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Listener", "8080", "Listen")]
    [InlineData("Planet", "/etc/myapp/planet", "PlanetPath")]
    public void Misspelt_settings_are_refused(string setting, string value, string right)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production", ("Networks", "8056c2e21c000001"), (setting, value)));
        Assert.Contains($"ZeroTier:{setting.Split(':')[0]} is not a setting.", error.Message, StringComparison.Ordinal);
        Assert.Contains(right, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Members:nobody:Name", "10 hexadecimal digits")]
    [InlineData("Members:8056c2e21c:Role", "A member has Name and Roles.")]
    public void Wrong_members_are_refused(string setting, string remedy)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production", ("Networks", "8056c2e21c000001"), (setting, "x")));
        Assert.Contains("ZeroTier:Members", error.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8080,8080", "8081")]
    [InlineData("8080,8056c2e21c000001.zt:8080", "8081")]
    [InlineData("8080,10.147.17.5:8080", "8081")]
    [InlineData("65535,65535", "8080")]
    public void One_port_twice_is_refused_with_the_setting(string value, string example)
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("Listen", value)));
        Assert.Contains(
            $"ZeroTier:Listen has port {value.Split(',')[0]} of network 8056c2e21c000001 more than once",
            error.Message,
            StringComparison.Ordinal);
        Assert.Contains(example, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0,0")]
    [InlineData("8080,8081")]
    [InlineData("10.147.17.5:8080,10.147.17.6:8080")]
    public void Ports_that_do_not_meet_are_taken(string value) =>
        Assert.Equal(2, Read("Production", ("Networks", "8056c2e21c000001"), ("Listen", value)).ListenEntries.Count);

    [Fact]
    public void A_name_may_end_with_the_dot_of_an_absolute_one() =>
        Assert.Equal(
            "8056c2e21c000001",
            Assert.Single(Read(
                "Production", ("Networks", "8056c2e21c000001"), ("Listen", "8056c2e21c000001.zt.:8080")).ListenEntries).Network);

    [Fact]
    public void Every_problem_of_node_and_server_is_reported_at_once()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => Read("Production", ("Networks", "8056c2e21c000001"), ("Port", "x"), ("OfflineGracePeriod", "-00:00:01")));
        Assert.Equal(2, error.Failures.Count());
    }

    [Fact]
    public void The_section_is_bound_and_code_comes_after_it()
    {
        var options = Read(
            "Production",
            ("Networks:0", "8056c2e21c000001"),
            ("Networks:1", "ff0000ffff000000"),
            ("StoragePath", "/tmp/a"),
            ("Port", "9993"),
            ("Engine", "managed"),
            ("LibztPath", Path.GetTempPath()),
            ("KeepHostUrls", "true"),
            ("RequireReadyWithin", "00:00:10"),
            ("Listen:0", "8080"),
            ("Listen:1", "8056c2e21c000001.zt:8081"));
        Assert.Equal(["8056c2e21c000001", "ff0000ffff000000"], options.Networks);
        Assert.Equal("/tmp/a", options.StoragePath);
        Assert.Equal(9993, options.Port);
        Assert.Equal(ZeroTierEngine.Managed, options.Engine);
        Assert.Equal(Path.GetTempPath(), options.LibztPath);
        Assert.True(options.KeepHostUrls);
        Assert.Equal(TimeSpan.FromSeconds(10), options.RequireReadyWithin);
        Assert.Equal(
            ["8056c2e21c000001.zt:8080", "ff0000ffff000000.zt:8080", "8056c2e21c000001.zt:8081"],
            KestrelEndpoints.Configured(options).Select(e => e.ToString()));
    }

    [Fact]
    public void An_endpoint_is_an_object_too_beside_the_short_texts_with_protocols_and_lists_of_its_own()
    {
        var options = Read(
            "Production",
            ("Networks", "8056c2e21c000001, ff0000ffff000000"),
            ("Listen:0", "8080"),
            ("Listen:1:Port", "8081"),
            ("Listen:1:Network", "8056c2e21c000001"),
            ("Listen:1:Address", "10.147.17.5"),
            ("Listen:1:Protocols", "http2"),
            ("Listen:1:AllowedNodes:0", "8056c2e21c"),
            ("Listen:1:AllowedNetworks", "8056c2e21c000001"),
            ("Listen:1:_comment", "for the gateway"));
        Assert.Equal(
            ["10.147.17.5:8081", "8056c2e21c000001.zt:8080", "ff0000ffff000000.zt:8080"],
            KestrelEndpoints.Configured(options).Select(e => e.ToString()).Order());
        var entry = options.ListenEntries.Single(entry => entry.Port == 8081);
        Assert.Equal(HttpProtocols.Http2, entry.Kestrel!.Protocols);
        Assert.Equal([KeyValuePair.Create("Protocols", (string?)"http2")], entry.Kestrel.Texts);
        var network = NetworkId.Parse("8056c2e21c000001");
        Assert.Equal(AccessVerdict.Allowed, entry.Access.Judge(NodeId.Parse("8056c2e21c"), network));
        Assert.Equal(AccessVerdict.OtherNode, entry.Access.Judge(NodeId.Parse("8056c2e21d"), network));
        Assert.Equal(AccessVerdict.OtherNetwork, entry.Access.Judge(NodeId.Parse("8056c2e21c"), NetworkId.Parse("ff0000ffff000000")));
        Assert.Equal(AccessVerdict.Unproven, entry.Access.Judge(null, network));
    }

    [Fact]
    public void One_endpoint_alone_and_endpoints_with_names_are_read_with_their_lists()
    {
        var alone = Assert.Single(Read(
            "Production", ("Networks", "8056c2e21c000001"), ("Listen:Port", "8080"), ("Listen:AllowedNodes", "8056c2e21c")).ListenEntries);
        Assert.Equal(AccessVerdict.OtherNode, alone.Access.Judge(NodeId.Parse("8056c2e21d"), NetworkId.Parse("8056c2e21c000001")));
        var named = Assert.Single(Read(
            "Production",
            ("Networks", "8056c2e21c000001"),
            ("Listen:Gateway:Port", "8080"),
            ("Listen:Gateway:AllowedNodes", "8056c2e21c")).ListenEntries);
        Assert.Equal(AccessVerdict.OtherNode, named.Access.Judge(NodeId.Parse("8056c2e21d"), NetworkId.Parse("8056c2e21c000001")));
    }

    [Theory]
    [InlineData("AllowedNodes", "8056c2e21", "8056c2e21c")]
    [InlineData("AllowedNodes", "", "is empty, so that nobody could call")]
    [InlineData("AllowedNetworks", "x", "ff1f90ffff000000")]
    [InlineData("Listen:0:Port", "x", "8080")]
    [InlineData("Listen:0:Network", "8056c2e21c000001", "Listen:0:Port is missing")]
    [InlineData("Listen:0:AllowedNodes", "8056c2e21", "8056c2e21c")]
    [InlineData("Listen:0:AllowedNodes", "", "is empty, so that nobody could call")]
    [InlineData("Listen:0:Protocols", "Http7", "Http1AndHttp2")]
    [InlineData("Listen:0:Address", "nowhere", "10.147.17.5")]
    [InlineData("Listen:0:AllowedNode", "8056c2e21c", "is not a setting")]
    [InlineData("Listen:0:Protocols", "Http1AndHttp2AndHttp3", "Http1AndHttp2.")]
    [InlineData("Listen:0:Certificate:Path", "app.pfx", "Paths begin at the content root")]
    [InlineData("Listen:0:Certificate:Password", "secret", "needs either a Path")]
    [InlineData("Listen:0:Certificate:Pfad", "app.pfx", "is not a setting")]
    [InlineData("Listen:0:Sni:a.example:Certificate:Path", "a.pfx", "Sni:a.example:Certificate:Path is 'a.pfx'")]
    [InlineData("Listen:0:Sni:a.example:Certificat:Path", "a.pfx", "is not a setting")]
    [InlineData("Listen:0:ClientCertificateMode", "RequireCertificate", "for TLS, which the endpoint does not use")]
    [InlineData("Listen:0:ClientCertificateMode", "Perhaps", "RequireCertificate")]
    [InlineData("Listen:0:SslProtocols:0", "Tls99", "Tls13")]
    [InlineData("Listen:0:SslProtocols", "Tls12", "reads a list")]
    public void Wrong_lists_and_endpoint_objects_are_refused_with_the_remedy(string setting, string value, string remedy)
    {
        (string, string)[] others = setting.StartsWith("Listen", StringComparison.Ordinal)
            && !setting.EndsWith("Port", StringComparison.Ordinal)
            && !setting.EndsWith("Network", StringComparison.Ordinal)
            ? [("Networks", "8056c2e21c000001"), ("Listen:0:Port", "8080")]
            : [("Networks", "8056c2e21c000001")];
        var error = Assert.Throws<OptionsValidationException>(() => Read("Production", [.. others, (setting, value)]));
        Assert.Contains(
            "ZeroTier:" + setting.Split(":Path")[0].Split(":Password")[0].Split(":Network")[0], error.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_fails_on_invalid_options()
    {
        await using var host = TestHost.Build(zt => zt.Listen(70000));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.App.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Listen(70000)", Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void Node_and_server_of_a_web_app_have_one_object_whoever_configures_it()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddZeroTier(node => node.Networks.Add("8056c2e21c000001"));
        builder.Services.AddZeroTierTransport();
        builder.Services.AddZeroTier(node => node.Port = 1234);
        builder.Services.Configure<ZeroTierOptions>(server => server.KeepHostUrls = server.Networks.Count == 1);
        using var services = builder.Services.BuildServiceProvider();

        var options = services.GetRequiredService<IOptions<ZeroTierOptions>>().Value;

        Assert.Same(options, services.GetRequiredService<IOptions<ZeroTierNodeOptions>>().Value);
        Assert.IsType<ZeroTierOptions>(services.GetRequiredService<IOptionsMonitor<ZeroTierNodeOptions>>().CurrentValue);
        Assert.Equal((1234, true), (options.Port, options.KeepHostUrls));
    }

    private static ZeroTierOptions Read(string environment, params (string Key, string Value)[] settings) =>
        ReadAll(environment, [.. settings.Select(s => ($"ZeroTier:{s.Key}", s.Value))]);

    private static ZeroTierOptions ReadAll(string environment, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.Services.AddZeroTierTransport();
        return builder.Services.BuildServiceProvider().GetRequiredService<IOptions<ZeroTierOptions>>().Value;
    }
}
