using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Cli.Tests;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>An app on the development network that serves https with the certificate of its node, as a person meets it.</summary>
public sealed partial class WebAppTests : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-app-");
    private WebApplication _app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "Orders" });
        builder.WebHost.UseZeroTier(
            zt => zt.UseDevelopmentNetwork(Path.Combine(_data.FullName, "ztkestrel", "dev"))
                .Listen(8443, listen => listen.UseZeroTierHttps()));
        _app = builder.Build();
        _app.MapGet("/", (HttpContext context) => context.Response.WriteAsync($"spoken: {context.Request.Protocol}"));
        await _app.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task Get_needs_no_option_for_the_certificate_of_the_node_that_was_called()
    {
        var node = _app.Services.GetRequiredService<ZeroTierNode>();
        string[] hosts = ["orders", "orders.zt", $"{node.Id}.zt", $"[{node.Networks[0].Addresses[0].Address}]"];
        foreach (string host in hosts)
        {
            var result = await ZtProcess.RunAsync(_data, "get", $"https://{host}:8443/");
            Assert.Equal((0, "spoken: HTTP/1.1"), (result.ExitCode, result.Output));
        }
    }

    [Fact]
    public async Task Browser_speaks_http_2_through_the_forwarder()
    {
        Assert.SkipUnless(File.Exists(Chromium), $"There is no Chromium at {Chromium}.");
        await using var forward = ZtProcess.Start(_data, "forward", "0", "orders:8443");
        string port = LocalPort().Match(await forward.FirstErrorAsync()).Groups[1].Value;

        // The browser knows no node, so it is told the key.
        byte[] key = SHA256.HashData(_app.Services.GetRequiredService<ZeroTierCertificate>().Get().PublicKey.ExportSubjectPublicKeyInfo());
        string page = await BrowseAsync($"https://127.0.0.1:{port}/", Convert.ToBase64String(key));

        Assert.Contains("spoken: HTTP/2", page, StringComparison.Ordinal);
    }

    /// <summary>What a browser shows of a page.</summary>
    private async Task<string> BrowseAsync(string url, string trustedKey)
    {
        var start = new ProcessStartInfo(Chromium) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            $"--user-data-dir={Path.Combine(_data.FullName, "browser")}", $"--ignore-certificate-errors-spki-list={trustedKey}",
            "--dump-dom", url,
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var browser = Process.Start(start)!;
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            var errors = browser.StandardError.ReadToEndAsync(limit.Token);
            string page = await browser.StandardOutput.ReadToEndAsync(limit.Token);
            await browser.WaitForExitAsync(limit.Token);
            return page.Length > 0 ? page : await errors;
        }
        finally
        {
            if (!browser.HasExited)
            {
                browser.Kill(entireProcessTree: true);
            }
        }
    }

    [GeneratedRegex("127\\.0\\.0\\.1:([0-9]+)")]
    private static partial Regex LocalPort();
}
