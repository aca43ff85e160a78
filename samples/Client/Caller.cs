namespace Client;

/// <summary>The API as a typed client: where it is, and over which network, is a matter of its registration.</summary>
internal sealed class Caller(HttpClient http)
{
    public Task<string> AskAsync(CancellationToken cancellationToken) => http.GetStringAsync("/", cancellationToken);
}
