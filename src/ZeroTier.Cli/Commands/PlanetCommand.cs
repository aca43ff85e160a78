using System.CommandLine;
using System.Globalization;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt planet create|show</c>: planet files, which list the roots of a private network.</summary>
internal static class PlanetCommand
{
    public static Command Create()
    {
        var create = RootOptions.AddTo(
            new Command(
                "create", "Makes identity, signing key and planet of a root where they are missing, or updates the planet's endpoints."));
        var others = new Option<string[]>("--root")
        {
            Description =
                "A further root, IDENTITY@ENDPOINT[,ENDPOINT...], with the public identity that 'zt id new' prints on its machine. "
                    + "May be repeated; a planet has four roots at most.",
        };
        create.Command.Add(others);
        create.Command.SetAction(
            (parse, cancellationToken) => PublishAsync(create.Read(parse), parse.GetValue(others) ?? [], cancellationToken));

        var root = new Argument<string[]>("root") { Description = "IDENTITY@ENDPOINT[,ENDPOINT...]", Arity = ArgumentArity.OneOrMore };
        var add = RootOptions.AddTo(
            new Command(
                "add-root", "Adds roots to a planet, or changes where they are reached. Nodes learn it from the roots that they know.")
                {
                    root,
                });
        add.Command.SetAction((parse, cancellationToken) => PublishAsync(add.Read(parse), parse.GetRequiredValue(root), cancellationToken));

        var file = new Argument<FileInfo>("file") { Description = "The planet file." };
        var show = new Command("show", "Prints the roots of a planet file.") { file };
        show.SetAction(parse => Show(parse.GetRequiredValue(file)));
        return new Command("planet", "Makes and shows planet files: the roots of a network of your own.")
        {
            create.Command, add.Command, show,
        };
    }

    private static async Task<int> PublishAsync(PrivateRootOptions options, string[] others, CancellationToken cancellationToken)
    {
        var planet = await PrivateRoot.CreatePlanetAsync(
            options with { OtherRoots = [.. others.Select(RootOptions.ParseRoot)] }, cancellationToken);
        string file = Path.Combine(options.StoragePath, PrivateRoot.PlanetFileName);
        Print(planet);
        string more = planet.Roots.Count > 1 ? ", and put it into the folder of every other root" : "";
        Status.Info($"Give {file} to every node{more}. Run the root with: zt root --home {options.StoragePath}");
        return ExitCode.Success;
    }

    private static int Show(FileInfo file)
    {
        Print(Planet.Load(file.FullName));
        return ExitCode.Success;
    }

    private static void Print(Planet planet)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds((long)planet.Timestamp);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"planet {planet.Id} of {time:u}"));
        foreach (var root in planet.Roots)
        {
            Console.Out.WriteLine($"root {root.Identity.Address} at {string.Join(", ", root.EndPoints)}");
        }
    }
}
