using System.CommandLine;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt root</c>: runs a private root until it is told to end.</summary>
internal static class RootNodeCommand
{
    public static Command Create()
    {
        var root = RootOptions.AddTo(new Command("root", "Runs a private root; makes its planet at the first time."));
        root.Command.SetAction((parse, cancellationToken) => RunAsync(root.Read(parse), cancellationToken));
        return root.Command;
    }

    private static async Task<int> RunAsync(PrivateRootOptions options, CancellationToken cancellationToken)
    {
        await using var root = await PrivateRoot.StartAsync(options, cancellationToken);
        Status.Info($"root {root.Node.Id} runs on {string.Join(", ", root.Node.LocalEndPoints)}; its planet is {root.PlanetPath}. Ctrl-C ends it.");
        await Cancelled.WaitAsync(cancellationToken);
        return ExitCode.Success;
    }
}
