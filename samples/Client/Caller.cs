namespace Client;

/// <summary>The API as a typed client. Its registration in Program.cs sets the address and the network.</summary>
internal sealed class Caller(HttpClient http)
{
    public Task<string> AskAsync(CancellationToken cancellationToken) => http.GetStringAsync("/", cancellationToken);
}
