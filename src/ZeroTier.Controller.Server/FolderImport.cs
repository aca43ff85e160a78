using ZeroTier.Cli;

namespace ZeroTier.Controller.Server;

/// <summary>Takes a controller over from a ZeroTierOne home folder, or a backup, and says what could not be.</summary>
internal static class FolderImport
{
    public static async Task<int> RunAsync(string home, StoreSettings settings, string folder, CancellationToken cancellationToken)
    {
        using var import = await ControllerImport.ReadAsync(folder, cancellationToken);
        await import.WriteNodeAsync(home, cancellationToken);
        await using (var store = settings.Create())
        {
            await store.OpenAsync(cancellationToken);
            await import.WriteAsync(store, new Actor("import"), cancellationToken);
        }

        foreach (var finding in import.Findings)
        {
            Console.Error.WriteLine(finding);
        }

        Console.Error.WriteLine(
            $"{import.Networks.Length} networks and {import.Members.Length} members of {import.Identity.Address} are in {home}; "
            + $"{import.FindingCount} findings.");
        Console.Error.WriteLine("Stop the old service for good before you start this one: two nodes must not have one identity.");
        return ExitCode.Success;
    }
}
