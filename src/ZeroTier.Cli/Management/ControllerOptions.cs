using System.CommandLine;
using System.Globalization;
using System.Text;

namespace ZeroTier.Cli.Management;

/// <summary>The options that select the controller, its token and the output format.</summary>
internal sealed class ControllerOptions
{
    private const string TokenFileName = "authtoken.secret";
    private const string PortFileName = "zerotier-one.port";
    private const int DefaultPort = 9993;
    private const int MaxFileSize = 1024;

    private readonly Option<DirectoryInfo?> _home = new("--home")
    {
        Description = "The controller's storage folder: token and port are read from it.",
        Recursive = true,
    };
    private readonly Option<string?> _url = new("--url")
    {
        Description = "Where the controller's API is. Default: on this machine, at the port that --home tells, or 9993.",
        Recursive = true,
    };
    private readonly Option<FileInfo?> _token = new("--token-file")
    {
        Description = "The file with the API's token. Default: authtoken.secret in --home.",
        Recursive = true,
    };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON, for programs.", Recursive = true };

    private ControllerOptions(Command command)
    {
        command.Add(_home);
        command.Add(_url);
        command.Add(_token);
        command.Add(_json);
    }

    public static ControllerOptions AddTo(Command command) => new(command);

    public bool IsJson(ParseResult parse) => parse.GetValue(_json);

    public string? Home(ParseResult parse) => parse.GetValue(_home)?.FullName;

    public ControllerClient Open(ParseResult parse)
    {
        string? home = Home(parse);
        string tokenFile = parse.GetValue(_token)?.FullName ?? (home is null ? null : Path.Combine(home, TokenFileName))
            ?? throw new FormatException("Name the controller's storage folder by --home, or its API by --url and --token-file.");
        string text = parse.GetValue(_url) ?? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port(home)}/");
        if (!Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new FormatException($"--url '{text}' is not an http or https URL. Expected, for example, http://127.0.0.1:9993/.");
        }

        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback)
        {
            throw new FormatException(
                $"--url {url} would send the token over the network in the clear. Use https, or an SSH tunnel: ssh -L "
                + "9993:127.0.0.1:9993 HOST");
        }

        string token = Read(tokenFile).Trim();
        return token.Length > 0 && token.All(c => c is > ' ' and < '\x7f')
            ? new ControllerClient(url, token, tokenFile)
            : throw new FormatException($"'{tokenFile}' holds no token.");
    }

    private static int Port(string? home) =>
        home is not null && Path.Combine(home, PortFileName) is var file && File.Exists(file)
            ? ushort.TryParse(Read(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port != 0
                ? port
                : throw new FormatException($"'{file}' holds no port. Name the API by --url.")
            : DefaultPort;

    private static string Read(string file)
    {
        using var stream = File.OpenRead(file);
        byte[] bytes = new byte[MaxFileSize];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.ASCII.GetString(bytes, 0, length);
    }
}
