using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Controller.Sqlite;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace SelfHosted;

/// <summary>The files in the home folder: identity, planet, controller database.</summary>
internal static class Storage
{
    public static IControllerStore CreateStore(Settings settings) => settings.PostgreSql is { } connection
        ? new PostgreSqlControllerStore(connection)
        : new SqliteControllerStore(Path.Combine(settings.Home, "controller.db"));

    /// <summary>Creates the identity and the planet if missing.</summary>
    /// <returns>The node's ID, with which the IDs of its networks begin.</returns>
    public static async Task<NodeId> PrepareAsync(Settings settings)
    {
        if (settings.EndPoint is { } endPoint)
        {
            await PrivateRoot.CreatePlanetAsync(new PrivateRootOptions { StoragePath = settings.Home, EndPoints = [endPoint] });
        }

        using var identity = await IdentityStore.OpenAsync(settings.Home);
        return identity.Identity.Address;
    }

    /// <summary>Imports a ZeroTierOne controller, and prints what could not be imported.</summary>
    public static async Task ImportAsync(Settings settings, string folder)
    {
        using var import = await ControllerImport.ReadAsync(folder);
        CopyIdentity(settings.Home, folder);
        CopyPeers(settings.Home, folder);
        if (await PrepareAsync(settings) is var node && node != import.Identity.Address)
        {
            throw new InvalidOperationException(
                $"{settings.Home} has the identity {node} already, and the networks belong to {import.Identity.Address}. Name a new "
                + "folder by --Home.");
        }

        await using (var store = CreateStore(settings))
        {
            await store.OpenAsync(CancellationToken.None);
            await import.WriteAsync(store, new Actor("import"));
        }

        foreach (var finding in import.Findings)
        {
            Console.WriteLine(finding);
        }

        Console.WriteLine(
            $"{import.Networks.Length} networks and {import.Members.Length} members of {import.Identity.Address} are in {settings.Home}; "
            + $"{import.FindingCount} findings.");
        Console.WriteLine("Stop the old service for good before you start this one: two nodes must not have one identity.");
    }

    // A root has nobody to ask for the identity of an unknown peer. Without these files, members could not use it until they send their
    // next HELLO, which takes minutes.
    private static void CopyPeers(string home, string folder)
    {
        DirectoryInfo source = new(Path.Combine(folder, "peers.d"));
        if (!source.Exists)
        {
            return;
        }

        DirectoryInfo target = Directory.CreateDirectory(Path.Combine(home, "peers.d"));
        foreach (FileInfo peer in source.EnumerateFiles("*.peer"))
        {
            peer.CopyTo(Path.Combine(target.FullName, peer.Name), overwrite: true);
        }
    }

    private static void CopyIdentity(string home, string folder)
    {
        string target = Path.Combine(home, IdentityStore.SecretFileName);
        if (File.Exists(target))
        {
            return;
        }

        var how = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(home);
        }
        else
        {
            Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var source = File.OpenRead(Path.Combine(folder, IdentityStore.SecretFileName));
        using var copy = new FileStream(target, how);
        source.CopyTo(copy);
    }
}
