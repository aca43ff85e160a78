using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>Requests as <c>zerotier-cli</c> sends them: without Host.</summary>
public sealed class MissingHostTests
{
    [Fact]
    public async Task Request_without_host_is_served_where_it_is_allowed()
    {
        await using ServiceApp allowed = await StartAsync(allows: true);
        await using ServiceApp strict = await StartAsync(allows: false);

        Assert.StartsWith("HTTP/1.1 200", await ExchangeAsync(allowed, Get("/status", allowed)), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", await ExchangeAsync(strict, Get("/status", strict)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_that_comes_in_pieces_is_whole_with_its_body()
    {
        await using ServiceApp app = await StartAsync(allows: true);
        string request = $$"""
            POST /network/ff00500050000000 HTTP/1.1
            X-ZT1-Auth: {{app.Token}}
            Connection: close
            Content-Length: 21

            {"allowGlobal": true}
            """.ReplaceLineEndings("\r\n");

        string answer = await ExchangeAsync(app, [.. request.Select(c => c.ToString())]);

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\"allowGlobal\":true", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_that_a_request_has_stays()
    {
        await using ServiceApp app = await StartAsync(allows: true);

        Assert.StartsWith("HTTP/1.1 403", await ExchangeAsync(app, Get("/status", app, "host: rebound.example")), StringComparison.Ordinal);

        // A name that only begins so is another one.
        Assert.StartsWith(
            "HTTP/1.1 200", await ExchangeAsync(app, Get("/status", app, "Hostage: rebound.example")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Later_requests_of_a_connection_are_the_servers_matter()
    {
        await using ServiceApp app = await StartAsync(allows: true);
        string request = Get("/config", app).Replace("Connection: close\r\n", "", StringComparison.Ordinal);

        string answers = await ExchangeAsync(app, request + request);

        Assert.StartsWith("HTTP/1.1 200", answers, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 400", answers, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("")]
    public async Task What_is_no_such_request_gets_no_host_and_no_answer_of_the_api(string bytes)
    {
        await using ServiceApp app = await StartAsync(allows: true);

        Assert.DoesNotContain("200 OK", await ExchangeAsync(app, [bytes], ends: true), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await ExchangeAsync(app, Get("/health", app)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Head_without_end_is_refused()
    {
        await using ServiceApp app = await StartAsync(allows: true);
        var request = new StringBuilder("GET /status HTTP/1.1\r\n");
        for (int i = 0; i < 5000; i++)
        {
            request.Append("X-Filler: 0123456789abcdef\r\n");
        }

        Assert.StartsWith("HTTP/1.1 4", await ExchangeAsync(app, request.ToString()), StringComparison.Ordinal);
    }

    private static Task<ServiceApp> StartAsync(bool allows) => ServiceApp.StartAsync(onKestrel: true, sendsToken: false, build: builder =>
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (allows)
            {
                listen.AllowMissingHost();
            }
        })));

    private static string Get(string path, ServiceApp app, string header = "X-Filler: 0") =>
        $"GET {path} HTTP/1.1\r\n{header}\r\nConnection: close\r\nX-ZT1-Auth: {app.Token}\r\n\r\n";

    private static Task<string> ExchangeAsync(ServiceApp app, string request) => ExchangeAsync(app, [request]);

    /// <summary>Sends pieces, and gives all that comes back until the server ends the connection.</summary>
    private static async Task<string> ExchangeAsync(ServiceApp app, string[] pieces, bool ends = false)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, app.Address.Port, TestContext.Current.CancellationToken);
        var answer = new StringBuilder();
        Task reading = ReadAsync();
        try
        {
            foreach (string piece in pieces)
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(piece), TestContext.Current.CancellationToken);
            }

            if (ends)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException)
        {
            // Refused before all was sent.
        }

        await reading;
        return answer.ToString();

        async Task ReadAsync()
        {
            byte[] buffer = new byte[4096];
            try
            {
                while (await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var length)
                {
                    answer.Append(Encoding.ASCII.GetString(buffer, 0, length));
                }
            }
            catch (SocketException)
            {
                // Reset by a server that refused what was still on its way.
            }
        }
    }
}
