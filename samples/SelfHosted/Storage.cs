using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Controller.Sqlite;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace SelfHosted;

/// <summary>What lies in the home folder: identity, planet, records.</summary>
internal static class Storage
{
    public static IControllerStore CreateStore(Settings settings) => settings.PostgreSql is { } connection
        ? new PostgreSqlControllerStore(connection)
        : new SqliteControllerStore(Path.Combine(settings.Home, "controller.db"));

    /// <summary>Makes identity and planet where they are missing.</summary>
    /// <returns>The node's address, with which the IDs of its networks begin.</returns>
    public static async Task<NodeId> PrepareAsync(Settings settings)
    {
        if (settings.EndPoint is { } endPoint)
        {
            await PrivateRoot.CreatePlanetAsync(new PrivateRootOptions { StoragePath = settings.Home, EndPoints = [endPoint] });
        }

        using var identity = await IdentityStore.OpenAsync(settings.Home);
        return identity.Identity.Address;
    }

    /// <summary>Takes a ZeroTierOne controller over, and says what could not be.</summary>
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

    // A root cannot ask anybody who a member is that speaks to it: without these, members wait until they introduce themselves anew, which
    // takes minutes.
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
