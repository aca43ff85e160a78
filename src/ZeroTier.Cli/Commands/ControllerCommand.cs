using System.CommandLine;
using ZeroTier.Cli.Management;

namespace ZeroTier.Cli.Commands;

/// <summary>
/// <c>zt controller</c>: manages the networks of a running controller, this project's or ZeroTierOne's, through its HTTP API.
/// </summary>
internal static class ControllerCommand
{
    public static Command Create()
    {
        var command = new Command(
            "controller", "Runs a controller; manages the networks of one that runs: this library's or ZeroTierOne's.");
        var options = ControllerOptions.AddTo(command);
        command.Add(ControllerServeCommand.Create());
        command.Add(ControllerNetworkCommand.Create(options));
        command.Add(ControllerMemberCommand.Create(options));
        command.Add(ControllerRulesCommand.Create(options));
        command.Add(ControllerTokenCommand.Create(options));
        command.Add(ControllerFolderCommands.CreateImport(options));
        command.Add(ControllerFolderCommands.CreateExport(options));
        command.Add(ControllerFolderCommands.CreateBackup(options));
        return command;
    }
}
