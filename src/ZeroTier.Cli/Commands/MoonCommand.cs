using System.CommandLine;
using System.Globalization;
using ZeroTier.Managed;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt moon create|show</c>: moon files, which list further roots that nodes use in addition to those of their planet.</summary>
internal static class MoonCommand
{
    private const string SigningKeyFileName = "moon.secret";
    private const string FolderName = "moons.d";

    public static Command Create()
    {
        var endPoints = new Option<string[]>("--endpoint")
        {
            Description = "A UDP endpoint at which nodes reach this folder's node, for example 192.0.2.1:9993. May be repeated.",
            Required = true,
        };
        var others = new Option<string[]>("--root")
        {
            Description = "A further root, IDENTITY@ENDPOINT[,ENDPOINT...], with the public identity that 'zt id new' prints on its "
                + "machine. May be repeated; a moon has four roots at most.",
        };
        var home = new Option<DirectoryInfo>("--home")
        {
            Description = "The storage folder of the node that is the moon's first root.",
            Required = true,
        };
        var create = new Command(
            "create",
            "Makes identity, signing key and moon where they are missing, or the moon's next revision, with exactly the roots "
            + "that are named.")
        {
            home, endPoints, others,
        };
        create.SetAction((parse, cancellationToken) => CreateAsync(
            parse.GetRequiredValue(home).FullName, parse.GetRequiredValue(endPoints), parse.GetValue(others) ?? [], cancellationToken));

        var file = new Argument<FileInfo>("file") { Description = "The moon file." };
        var show = new Command("show", "Prints the roots of a moon file.") { file };
        show.SetAction(parse => Print(Moon.Load(parse.GetRequiredValue(file).FullName)));
        return new Command("moon", "Makes and shows moon files: further roots, beside those of the planet.") { create, show };
    }

    /// <summary>The moon's ID in the format of files, logs and other tools.</summary>
    public static string Format(ulong moon) => moon.ToString("x16", CultureInfo.InvariantCulture);

    public static int Print(Moon moon)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds((long)moon.Timestamp);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"moon {Format(moon.Id)} of {time:u}"));
        foreach (var root in moon.Roots)
        {
            Console.Out.WriteLine($"root {root.Identity.Address} at {string.Join(", ", root.EndPoints)}");
        }

        return ExitCode.Success;
    }

    private static async Task<int> CreateAsync(string home, string[] endPoints, string[] others, CancellationToken cancellationToken)
    {
        PlanetRoot[] further = [.. others.Select(RootOptions.ParseRoot)];
        InetEndPoint[] own = [.. endPoints.Select(text => InetEndPoint.From(RootOptions.ParseEndPoint(text, "--endpoint")))];
        using var store = await IdentityStore.OpenAsync(home, cancellationToken);
        using var key = OpenSigningKey(Path.Combine(home, SigningKeyFileName));
        var id = store.Identity.Address;
        string file = Path.Combine(Directory.CreateDirectory(Path.Combine(home, FolderName)).FullName, $"{Format(id.Value)}.moon");
        PlanetRoot[] roots = [new PlanetRoot(store.Identity, own), .. further];
        var now = TimeProvider.System.GetUtcNow();
        var moon = File.Exists(file) ? Later(Moon.Load(file), now, roots, key) : Moon.Create(id.Value, now, roots, key);
        moon.Save(file);
        Print(moon);
        Status.Info(
            $"The node of {home} is a root of this moon, with the UDP port of the endpoint (ZeroTier:Port), as is every other root that "
                + $"has a copy of {file} in its {FolderName}. Nodes use it after: zt orbit {Format(moon.Id)} {id} --home FOLDER");
        return ExitCode.Success;
    }

    // The timestamp must increase, even if the clock was set back.
    private static Moon Later(Moon current, DateTimeOffset now, PlanetRoot[] roots, PlanetSigningKey key)
    {
        var next = DateTimeOffset.FromUnixTimeMilliseconds((long)current.Timestamp + 1);
        return current.Update(now > next ? now : next, roots, key);
    }

    private static PlanetSigningKey OpenSigningKey(string file)
    {
        if (File.Exists(file))
        {
            return PlanetSigningKey.Load(file);
        }

        var key = PlanetSigningKey.Generate();
        key.Save(file);
        return key;
    }
}
