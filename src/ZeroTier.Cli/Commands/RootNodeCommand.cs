using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt root</c>: runs a private root until it is interrupted.</summary>
internal static class RootNodeCommand
{
    public static Command Create()
    {
        var root = RootOptions.AddTo(new Command("root", "Runs a private root; makes its planet at the first time."));
        var http = new Option<IPEndPoint?>("--http")
        {
            Description = "Where to answer probes and collectors over HTTP: /livez, /readyz and /metrics, for example 127.0.0.1:9994. "
                + "Default: nowhere.",
            CustomParser = result => IPEndPoint.TryParse(result.Tokens[0].Value, out var endPoint) && endPoint.Port != 0
                ? endPoint
                : Wrong(result, $"--http '{result.Tokens[0].Value}' is not an address and a port. Expected, for example, 127.0.0.1:9994."),
        };
        var relay = new Option<string?>("--tcp-relay")
        {
            Description = "Where to take nodes by TCP whose own network lets no UDP through, for example 0.0.0.0:8443. Default: nowhere.",
        };
        root.Command.Add(http);
        root.Command.Add(relay);
        root.Command.SetAction((parse, cancellationToken) => RunAsync(
            root.Read(parse) with { TcpRelay = parse.GetValue(relay) is { } text ? RootOptions.ParseEndPoint(text, "--tcp-relay") : null },
            parse.GetValue(http),
            cancellationToken));
        return root.Command;
    }

    private static IPEndPoint? Wrong(ArgumentResult result, string message)
    {
        result.AddError(message);
        return null;
    }

    private static async Task<int> RunAsync(PrivateRootOptions options, IPEndPoint? http, CancellationToken cancellationToken)
    {
        await using var root = await PrivateRoot.StartAsync(options, cancellationToken);
        using var status = http is null ? null : RootStatus.Start(root.Node, http);
        Status.Info(
            $"root {root.Node.Id} runs on {string.Join(", ", root.Node.LocalEndPoints)}; its planet is {root.PlanetPath}. Ctrl-C ends it.");
        await Cancelled.WaitAsync(cancellationToken);
        return ExitCode.Success;
    }
}
