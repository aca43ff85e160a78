using System.CommandLine;
using System.Globalization;
using System.Security.Authentication;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt get URL</c>: like curl. Writes the body to standard output, the status to standard error.</summary>
internal static class GetCommand
{
    public static Command Create()
    {
        var url = new Argument<string>("url")
        {
            Description = "http://[fc..]:8080/path, or https, or as host NODE.NETWORK.zt or a name in the network's search domain.",
        };
        var insecure = new Option<bool>("--insecure", "-k") { Description = "Accept any TLS certificate." };
        var command = new Command("get", "Gets a URL over the network. Exit code 22 when the status is 400 or above.") { url, insecure };
        var timeout = ConnectTimeout.AddTo(command);
        var capture = CaptureCommand.AddTo(command);
        var options = NodeOptions.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(
                NodeOptions.Read(parse, options) with { Capture = parse.GetValue(capture) },
                parse.GetRequiredValue(url),
                parse.GetValue(insecure),
                ConnectTimeout.Read(parse, timeout),
                cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        NodeOptions options, string url, bool insecure, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new FormatException($"'{url}' is not an http or https URL. Expected, for example, http://[fc12:3456:7800::1]:8080/.");
        }

        await using var session = await NodeSession.OpenAsync(options, cancellationToken);
        using var client = new HttpClient(session.CreateHttpHandler(insecure, timeout)) { Timeout = Timeout.InfiniteTimeSpan };
        using var response = await GetAsync(client, uri, cancellationToken);
        Status.Info(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/{response.Version} {(int)response.StatusCode} {response.ReasonPhrase}"));
        await using var output = Console.OpenStandardOutput();
        await response.Content.CopyToAsync(output, cancellationToken);
        return (int)response.StatusCode < 400 ? ExitCode.Success : ExitCode.HttpError;
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient client, Uri uri, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (OperationCanceledException exception)
            when (exception.InnerException is TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException(
                $"{uri.Authority} is connected, but does not answer TLS. Check that the port speaks https; --timeout waits longer.",
                exception);
        }
        catch (HttpRequestException exception) when (exception.InnerException is AuthenticationException inner)
        {
            // Do not suggest -k when a node certificate is refused: another node answers, or a clock is wrong.
            string remedy = inner.Message.Contains("is not trusted", StringComparison.Ordinal) ? " -k accepts any certificate." : "";
            throw new IOException($"TLS with {uri.Authority} failed: {inner.Message.TrimEnd('.')}.{remedy}", exception);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            throw new IOException(
                $"{uri.Authority} has ended the connection, and does not answer TLS. Check that the port speaks https.", exception);
        }
    }
}
