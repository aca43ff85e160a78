using System.CommandLine;
using ZeroTier.Managed;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt id new|show</c>: the identity files of a node.</summary>
internal static class IdCommand
{
    public static Command Create()
    {
        var directory = new Argument<DirectoryInfo>("directory") { Description = "The node's storage folder." };
        var create = new Command("new", "Makes a new identity in a folder that has none, and prints its public part.") { directory };
        create.SetAction((parse, cancellationToken) => NewAsync(parse.GetRequiredValue(directory), cancellationToken));

        var show = new Command("show", "Prints the public identity of a folder.") { directory };
        show.SetAction((parse, cancellationToken) => ShowAsync(parse.GetRequiredValue(directory), cancellationToken));
        return new Command("id", "Makes and shows node identities.") { create, show };
    }

    private static async Task<int> NewAsync(DirectoryInfo directory, CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(directory.FullName, IdentityStore.SecretFileName)))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"{directory.FullName} already has an identity, and an identity is never overwritten. Name another folder, or show it "
                + $"with: zt id show {directory}");
        }

        return await PrintAsync(directory, cancellationToken);
    }

    private static async Task<int> ShowAsync(DirectoryInfo directory, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(directory.FullName, IdentityStore.SecretFileName)))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"{directory.FullName} has no identity. Make one with: zt id new {directory}");
        }

        return await PrintAsync(directory, cancellationToken);
    }

    private static async Task<int> PrintAsync(DirectoryInfo directory, CancellationToken cancellationToken)
    {
        using var store = await IdentityStore.OpenAsync(directory.FullName, cancellationToken: cancellationToken);
        Console.Out.WriteLine(store.Identity.ToString());
        return ExitCode.Success;
    }
}
