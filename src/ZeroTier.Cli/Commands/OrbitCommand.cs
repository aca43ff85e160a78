using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using ZeroTier.Managed;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt orbit WORLD SEED</c> and <c>zt deorbit WORLD</c>: adds a moon to a folder's node, or removes it.</summary>
internal static class OrbitCommand
{
    // The node must find the seed through a root of the planet, and requests the moon with its next HELLO.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    public static Command CreateOrbit()
    {
        var world = WorldArgument();
        var seed = new Argument<NodeId>("seed")
        {
            Description = "The address of one of the moon's roots, 10 hexadecimal digits: it hands out the moon.",
            CustomParser = result => Parse(
                result,
                NodeId.TryParse(result.Tokens[0].Value, out var node) && !node.IsReserved,
                node,
                "a node's address. Expected 10 hexadecimal digits"),
        };
        var command = new Command("orbit", "Uses the roots of a moon beside those of the planet; the storage folder remembers it.")
        {
            world, seed,
        };
        var folder = JoinedFolder.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            OrbitAsync(
                JoinedFolder.Read(parse, folder),
                new MoonOrbit(parse.GetRequiredValue(world), parse.GetRequiredValue(seed)),
                cancellationToken));
        return command;
    }

    public static Command CreateDeorbit()
    {
        var world = WorldArgument();
        var command = new Command("deorbit", "Uses a moon no more; the storage folder forgets it.") { world };
        var folder = JoinedFolder.AddTo(command);
        command.SetAction(
            (parse, cancellationToken) => DeorbitAsync(JoinedFolder.Read(parse, folder), parse.GetRequiredValue(world), cancellationToken));
        return command;
    }

    private static async Task<int> OrbitAsync(JoinedFolder folder, MoonOrbit orbit, CancellationToken cancellationToken)
    {
        await using var node = await folder.StartAsync(cancellationToken);
        await node.OrbitAsync(orbit, cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            while (Find(node, orbit.Id) is null)
            {
                await Task.Delay(LookInterval, TimeProvider.System, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ZeroTierException(
                ZeroTierError.TimedOut,
                $"{orbit.Seed} has not handed out moon {MoonCommand.Format(orbit.Id)} within {Patience.TotalSeconds:0} s. It must run, be "
                + "a root of the moon (zt moon create) and be found by the roots of this folder's planet. The moon was not kept.");
        }

        return MoonCommand.Print(Find(node, orbit.Id)!);
    }

    private static async Task<int> DeorbitAsync(JoinedFolder folder, ulong moon, CancellationToken cancellationToken)
    {
        await using var node = await folder.StartAsync(cancellationToken);
        if (Find(node, moon) is null)
        {
            string used = string.Join(", ", node.Moons.Select(m => MoonCommand.Format(m.Id)));
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"{folder.Home} does not use moon {MoonCommand.Format(moon)}. It uses: {(used.Length == 0 ? "none" : used)}.");
        }

        await node.DeorbitAsync(moon, cancellationToken);
        return ExitCode.Success;
    }

    private static Moon? Find(ManagedNode node, ulong id) => node.Moons.FirstOrDefault(moon => moon.Id == id);

    private static Argument<ulong> WorldArgument() => new("world")
    {
        Description = "The moon's number, up to 16 hexadecimal digits.",
        CustomParser = result => Parse(
            result,
            ulong.TryParse(result.Tokens[0].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong world)
            && world != 0,
            world,
            "a moon's number. Expected up to 16 hexadecimal digits"),
    };

    private static T Parse<T>(ArgumentResult result, bool isValid, T value, string expected)
    {
        if (!isValid)
        {
            result.AddError($"'{result.Tokens[0].Value}' is not {expected}, as 'zt moon show FILE' prints them.");
        }

        return value;
    }
}
