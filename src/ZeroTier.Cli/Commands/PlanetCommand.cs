using System.CommandLine;
using System.Globalization;
using ZeroTier.Managed.Vl1;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt planet create|show</c>: the file that names a private network's roots.</summary>
internal static class PlanetCommand
{
    public static Command Create()
    {
        var root = RootOptions.AddTo(new Command("create", "Makes identity, signing key and planet of a root where they are missing, or updates the planet's endpoints."));
        root.Command.SetAction((parse, cancellationToken) => CreateAsync(root.Read(parse), cancellationToken));

        var file = new Argument<FileInfo>("file") { Description = "The planet file." };
        var show = new Command("show", "Prints the roots of a planet file.") { file };
        show.SetAction(parse => Show(parse.GetRequiredValue(file)));
        return new Command("planet", "Makes and shows planet files: the roots of a network of your own.") { root.Command, show };
    }

    private static async Task<int> CreateAsync(PrivateRootOptions options, CancellationToken cancellationToken)
    {
        var planet = await PrivateRoot.CreatePlanetAsync(options, cancellationToken);
        string file = Path.Combine(options.StoragePath, PrivateRoot.PlanetFileName);
        Print(planet);
        Status.Info($"Give {file} to every node. Run the root with: zt root --home {options.StoragePath}");
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
