using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>TLS between the transport and HTTP (rule 10.1).</summary>
public abstract class TlsTests(FunctionalTransport transport)
{
    [Theory]
    [InlineData("1.1", "HTTP/1.1")]
    [InlineData("2.0", "HTTP/2")]
    public async Task Rule_10_1_ALPN_picks_the_protocol(string version, string expected)
    {
        await using var server = await StartAsync(
            context => context.Response.WriteAsync($"{context.Request.Protocol} {context.Request.Scheme}"));
        using var http = Client(server, version);
        Assert.Equal($"{expected} https", await http.GetStringAsync(server.Url("/", "https")));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Rule_10_1_Large_bodies_pass_both_ways(string version)
    {
        const int length = 5_000_000;
        await using var server = await StartAsync(async context =>
        {
            context.Response.Headers["Hash"] = await Pattern.HashAsync(context.Request.Body);
            await Pattern.WriteAsync(context.Response.Body, length);
        });
        using var http = Client(server, version);
        using var response = await http.PostAsync(server.Url("/", "https"), new Pattern.Content(length));
        Assert.Equal(Pattern.Hash(length), response.Headers.GetValues("Hash").Single());
        Assert.Equal(Pattern.Hash(length), await Pattern.HashAsync(await response.Content.ReadAsStreamAsync()));
        http.Dispose();
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_10_1_The_clients_certificate_reaches_the_application()
    {
        await using var server = await StartAsync(
            context => context.Response.WriteAsync(context.Connection.ClientCertificate?.Subject ?? "none"),
            https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (presented, _, _) => presented.Thumbprint == Certificates.Client.Thumbprint;
            });
        using var http = server.CreateClient(handler => handler.SslOptions = Certificates.ClientOptions(Certificates.Client));
        Assert.Equal("CN=client", await http.GetStringAsync(server.Url("/", "https")));
        using var stranger = server.CreateClient(handler => handler.SslOptions = Certificates.ClientOptions(Certificates.Server));
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetStringAsync(server.Url("/", "https")));
    }

    [Fact]
    public async Task Rule_10_1_The_handshake_is_visible_to_the_application()
    {
        await using var server = await StartAsync(context =>
        {
            var handshake = context.Features.Get<Microsoft.AspNetCore.Connections.Features.ITlsHandshakeFeature>()!;
            return context.Response.WriteAsync(handshake.Protocol.ToString());
        });
        using var http = Client(server, "1.1");
        Assert.Equal("Tls13", await http.GetStringAsync(server.Url("/", "https")));
    }

    [Fact]
    public async Task Rule_10_1_Plain_text_on_a_TLS_port_costs_that_connection_only()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("served"));
        await using (var plain = await server.ConnectAsync())
        {
            await plain.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            await plain.ReadToEndAsync();
        }

        using (var http = Client(server, "1.1"))
        {
            Assert.Equal("served", await http.GetStringAsync(server.Url("/", "https")));
        }

        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
        Assert.DoesNotContain(server.Logs.AtLeast(LogLevel.Warning), _ => true);
    }

    [Fact]
    public async Task Rule_10_1_A_handshake_that_stalls_is_given_up()
    {
        await using var server = await StartAsync(
            _ => Task.CompletedTask, https => https.HandshakeTimeout = TimeSpan.FromMilliseconds(500));
        await using var silent = await server.ConnectAsync();
        await silent.ReadToEndAsync();
        await Wait.UntilAsync(() => server.Logs.Lines.Any(line => line.Event.Name == "AuthenticationTimedOut"), "the timeout was logged");
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_6_3_A_client_that_resets_below_TLS_leaves_no_block_out()
    {
        var aborted = new Signal();
        await using var server = await StartAsync(async context =>
        {
            await context.Response.WriteAsync("begin");
            await context.Response.Body.FlushAsync();
            await Wait.CancelledAsync(context.RequestAborted);
            aborted.Set();
        });
        await using var connection = await server.ConnectAsync();
        await using var tls = new SslStream(connection.Stream);
        await tls.AuthenticateAsClientAsync(Certificates.ClientOptions());
        await tls.WriteAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        Assert.NotEqual(0, await tls.ReadAsync(new byte[4096]));
        connection.Reset();
        await aborted.WaitAsync();
        await Wait.UntilAsync(() => server.Blocks.Rented == 0, "every block came back");
    }

    [Fact]
    public async Task Rule_10_1_The_end_of_TLS_is_announced_before_the_FIN()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("last"));
        await using var connection = await server.ConnectAsync();
        await using var tls = new SslStream(connection.Stream);
        await tls.AuthenticateAsClientAsync(Certificates.ClientOptions());
        await tls.WriteAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"u8.ToArray());

        // Without close_notify SslStream would throw at the end of the stream.
        using var reader = new StreamReader(tls);
        Assert.Contains("last", await reader.ReadToEndAsync().LimitedAsync(), StringComparison.Ordinal);
    }

    private static HttpClient Client(FunctionalServer server, string version) =>
        server.CreateClient(handler => handler.SslOptions = Certificates.ClientOptions(), Version.Parse(version));

    private Task<FunctionalServer> StartAsync(RequestDelegate handler, Action<HttpsConnectionAdapterOptions>? https = null) =>
        FunctionalServer.StartAsync(
            transport, handler, options => options.Listen = listen => listen.UseHttps(Certificates.Server, https ?? (_ => { })));
}
