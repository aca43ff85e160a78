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
    private readonly AdminApp _app;

    public Visit(AdminApp app, IBrowserContext context, IPage page)
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

    /// <summary>Goes to a page of the admin pages, through the sign-in if it is shown.</summary>
    public async Task GoAsync(string page = "")
    {
        await Page.GotoAsync($"/admin/{page}");
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
