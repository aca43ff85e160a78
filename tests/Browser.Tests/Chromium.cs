using Microsoft.Playwright;

namespace Browser.Tests;

/// <summary>Tests in a browser run one after another: a browser is several processes.</summary>
[CollectionDefinition(Name)]
public sealed class BrowserTests : ICollectionFixture<Chromium>
{
    public const string Name = "browser";
}

/// <summary>
/// The system's Chromium without a window, one for all tests. Needs Debian's package chromium, or the like: none is downloaded.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string? _skipReason;

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } program)
        {
            _skipReason = "Chromium is not installed (Debian: apt-get install chromium).";
            return;
        }

        Assertions.SetDefaultExpectTimeout(Visit.Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,

            // Its sandbox does not run as root, as in a container.
            Args = Environment.IsPrivilegedProcess ? ["--no-sandbox"] : [],
            Timeout = Visit.Patience,
        });
    }

    /// <summary>A browser window of its own, with its own cookies.</summary>
    public async Task<Visit> OpenAsync(
        IPagesApp app, int width = 1280, ColorScheme scheme = ColorScheme.Light, IReadOnlyDictionary<string, string>? headers = null)
    {
        Assert.SkipWhen(_skipReason is not null, _skipReason ?? "");
        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = app.Address.ToString(),
            ViewportSize = new ViewportSize { Width = width, Height = 800 },
            ColorScheme = scheme,
            ExtraHTTPHeaders = headers,
            Locale = "en-GB",
            TimezoneId = "Europe/London",
        });
        context.SetDefaultTimeout(Visit.Patience);
        return new Visit(app, context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static string? Find() => (
        from folder in Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? []
        from name in Names
        let path = Path.Combine(folder, name)
        where File.Exists(path)
        select path).FirstOrDefault();
}
