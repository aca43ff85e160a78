using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZeroTier;

namespace EndToEnd.Tests;

/// <summary>HTTP in all its forms between two managed nodes over real loopback UDP.</summary>
public sealed class HttpTests(LoopbackUniverse universe, ITestOutputHelper output) : IClassFixture<LoopbackUniverse>
{
    private const long Large = 100_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Http11_request_is_answered_and_the_caller_is_known()
    {
        await using var host = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = Client();
        Assert.Equal($"HTTP/1.1 {universe.Client.Id}", await http.GetStringAsync(host.Url("/"), Cancel));
        Assert.Equal("Healthy", await http.GetStringAsync(host.Url("/healthz"), Cancel));
        Assert.Equal(
            $"HTTP/1.1 {universe.Client.Id}",
            await http.GetStringAsync($"http://{host.Node.Id}.{LoopbackUniverse.Network}.zt:{WebHost.Port}/", Cancel));
    }

    [Fact]
    public async Task Http2_prior_knowledge_is_spoken()
    {
        await using var host = await WebHost.StartAsync(
            universe, listen => listen.Protocols = HttpProtocols.Http2, cancellationToken: Cancel);
        using var http = Client();
        http.DefaultRequestVersion = HttpVersion.Version20;
        http.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => http.GetStringAsync(host.Url("/"), Cancel)));
        Assert.All(answers, answer => Assert.Equal($"HTTP/2 {universe.Client.Id}", answer));
    }

    [Theory]
    [InlineData("1.1", "HTTP/1.1")]
    [InlineData("2.0", "HTTP/2")]
    public async Task Https_alpn_picks_the_protocol(string version, string expected)
    {
        using var certificate = SelfSigned();
        await using var host = await WebHost.StartAsync(universe, listen => listen.UseHttps(certificate), cancellationToken: Cancel);
        var handler = new ZeroTierHttpHandler(universe.Client);
        handler.SocketsHandler.SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, presented, _, _) => presented!.GetCertHashString() == certificate.GetCertHashString(),
        };
        using var http = new HttpClient(handler)
        {
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        Assert.Equal($"{expected} {universe.Client.Id}", await http.GetStringAsync(host.Url("/", "https"), Cancel));
    }

    [Fact]
    public async Task WebSocket_echoes()
    {
        await using var host = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = Client();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.Url("/ws", "ws"), http, Cancel);
        byte[] buffer = new byte[4096];
        for (int i = 0; i < 100; i++)
        {
            byte[] message = Encoding.UTF8.GetBytes($"message {i}");
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, Cancel);
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Cancel);
            Assert.Equal(message, buffer[..received.Count]);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
    }

    [Fact]
    public async Task Download_100_MB_arrives_intact()
    {
        await using var host = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = Client();
        var clock = Stopwatch.StartNew();
        await using var body = await http.GetStreamAsync(host.Url($"/stream?bytes={Large}"), Cancel);
        byte[] hash = await SHA256.HashDataAsync(body, Cancel);
        Report("down", clock.Elapsed);
        Assert.Equal(Expected(), Convert.ToHexString(hash));
    }

    [Fact]
    public async Task Upload_100_MB_arrives_intact()
    {
        await using var host = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = Client();
        var clock = Stopwatch.StartNew();
        using var response = await http.PostAsync(host.Url("/upload"), new PatternContent(Large), Cancel);
        string hash = await response.Content.ReadAsStringAsync(Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Report("up", clock.Elapsed);
        Assert.Equal(Expected(), hash);
    }

    [Fact]
    public async Task Requests_1000_at_once_are_all_answered()
    {
        await using var host = await WebHost.StartAsync(universe, cancellationToken: Cancel);
        using var http = Client();
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => http.GetStringAsync(host.Url("/"), Cancel)));
        Assert.All(answers, answer => Assert.Equal($"HTTP/1.1 {universe.Client.Id}", answer));
    }

    private HttpClient Client() => new(new ZeroTierHttpHandler(universe.Client)) { Timeout = TimeSpan.FromMinutes(2) };

    private static string Expected()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 * 1024];
        for (long offset = 0; offset < Large; offset += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, Large - offset));
            WebHost.Fill(part, offset);
            hash.AppendData(part);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private void Report(string what, TimeSpan time) =>
        output.WriteLine($"100 MB {what} in {time.TotalSeconds:F2} s, {Large / 1e6 / time.TotalSeconds:F0} MB/s");

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=e2e", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>A body of the pattern, made while it is sent.</summary>
    private sealed class PatternContent(long length) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] buffer = new byte[64 * 1024];
            for (long offset = 0; offset < length; offset += buffer.Length)
            {
                int part = (int)Math.Min(buffer.Length, length - offset);
                WebHost.Fill(buffer.AsSpan(0, part), offset);
                await stream.WriteAsync(buffer.AsMemory(0, part));
            }
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
