using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Browser.Tests;

/// <summary>
/// A person at a browser. What the browser complains of is kept: errors of scripts, of the policy of contents, of loading.
/// </summary>
public sealed class Visit : IAsyncDisposable
{
    /// <summary>Milliseconds until a wait is given up. For a machine under load.</summary>
    public const float Patience = 60_000;

    private readonly List<string> _complaints = [];
    private readonly IPagesApp _app;

    public Visit(IPagesApp app, IBrowserContext context, IPage page)
    {
        _app = app;
        Context = context;
        Page = page;
        page.Console += (_, message) => Complain(message.Type is "error" or "warning", message.Text);
        page.PageError += (_, error) => Complain(true, error);
    }

    public IBrowserContext Context { get; }

    public IPage Page { get; }

    public IReadOnlyList<string> Complaints
    {
        get
        {
            lock (_complaints)
            {
                return [.. _complaints];
            }
        }
    }

    /// <summary>Goes to a page of the pages, through the sign-in if it is shown.</summary>
    public async Task GoAsync(string page = "")
    {
        await Page.GotoAsync(_app.Folder + page);
        if (await Page.GetByLabel("Token", new() { Exact = true }).IsVisibleAsync())
        {
            await SignInAsync(_app.Token);
        }
    }

    /// <summary>Fills the sign-in, and sends it.</summary>
    public async Task SignInAsync(string token)
    {
        await Page.GetByLabel("Token", new() { Exact = true }).FillAsync(token);
        await Button("Sign in").ClickAsync();
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator Heading(string name) => Page.GetByRole(AriaRole.Heading, new() { Name = name });

    public ILocator Alert => Page.GetByRole(AriaRole.Alert);

    public Task SeesAsync(ILocator element) => Assertions.Expect(element).ToBeVisibleAsync();

    /// <summary>That the page is accessible, and no wider than the window.</summary>
    public async Task CheckLookAsync(string page)
    {
        AxeResult result = await Page.RunAxe();
        string violations = string.Join("; ", result.Violations.SelectMany(v => v.Nodes.Select(n => $"{v.Id}: {n.Html}")));
        Assert.True(violations.Length == 0, $"{page}: {violations}");
        int[] widths = await Page.EvaluateAsync<int[]>("[document.documentElement.scrollWidth, window.innerWidth]");
        Assert.True(widths[0] <= widths[1], $"{page} is {widths[0]} wide in a window of {widths[1]}.");
    }

    public ValueTask DisposeAsync() => new(Context.CloseAsync());

    private void Complain(bool isBad, string text)
    {
        if (isBad)
        {
            lock (_complaints)
            {
                _complaints.Add(text);
            }
        }
    }
}
