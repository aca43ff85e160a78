using System.CommandLine;
using ZeroTier.Cli;

namespace ZeroTier.Controller.Server;

/// <summary>The options of <c>zt controller serve</c>.</summary>
internal static class ServeCommand
{
    private const int DefaultPort = 9993;

    public static RootCommand Create()
    {
        var command = new RootCommand(
            "Runs a controller of ZeroTier networks, with its HTTP API and pages on this machine, and a root, in one process.");
        var root = RootOptions.AddTo(command);
        var planet = new Option<string?>("--planet")
        {
            Description = "A planet file with roots of others, or 'public' for ZeroTier's own. Default: this node is the root.",
        };
        var relay = new Option<string?>("--tcp-relay")
        {
            Description = "Where this root takes nodes by TCP whose own network lets no UDP through, for example 0.0.0.0:8443. "
                + "Default: nowhere.",
        };
        var http = new Option<ushort>("--http")
        {
            Description = "The TCP port of API and pages on 127.0.0.1; 0 for any. The storage folder tells it to zt.",
            DefaultValueFactory = _ => DefaultPort,
        };
        var database = new Option<string?>("--postgresql")
        {
            Description = "A PostgreSQL database for several controllers, as Npgsql takes it: \"Host=db.example;Database=zerotier;"
                + "Username=controller;SSL Mode=VerifyFull\". The password comes from PGPASSWORD or PGPASSFILE. "
                + "Default: SQLite, in the storage folder.",
        };
        var import = new Option<DirectoryInfo?>("--import")
        {
            Description = "Takes the controller of a ZeroTierOne home folder, or a backup, over into the storage folder, and ends.",
        };
        command.Add(planet);
        command.Add(relay);
        command.Add(http);
        command.Add(database);
        command.Add(import);
        command.Validators.Add(result =>
        {
            if (result.GetValue(planet) is not null && (result.GetResult(relay) is not null || root.HasEndPoints(result)))
            {
                result.AddError("--endpoint and --tcp-relay are those of a root of one's own, and --planet names roots of others. Leave "
                    + "one of them out.");
            }
        });
        command.SetAction((parse, cancellationToken) =>
        {
            string home = root.ReadHome(parse);
            var store = new StoreSettings(home, parse.GetValue(database));
            return parse.GetValue(import) is { } folder
                ? FolderImport.RunAsync(home, store, folder.FullName, cancellationToken)
                : ControllerServer.RunAsync(
                    new ServerSettings
                    {
                        Home = home,
                        Store = store,
                        HttpPort = parse.GetValue(http),
                        Planet = parse.GetValue(planet),
                        Root = parse.GetValue(planet) is null
                            ? root.Read(parse) with
                            {
                                TcpRelay = parse.GetValue(relay) is { } text ? RootOptions.ParseEndPoint(text, "--tcp-relay") : null,
                            }
                            : null,
                    },
                    cancellationToken);
        });
        return command;
    }
}
