using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;
using ZeroTier.Platform;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// The storage folder, in libzt's layout, which the managed engine uses too. Only one node at a time, of either engine, can claim it.
/// </summary>
internal sealed class NodeFolder : IDisposable
{
    private const string SecretFile = StorageClaim.SecretFileName;
    private const string PublicFile = "identity.public";
    private const string PlanetFile = "planet";
    private const string NetworksFolder = "networks.d";
    private const string NetworkSuffix = ".conf";

    private readonly StorageClaim _claim;
    private readonly ILogger _log;

    private NodeFolder(string path, StorageClaim claim, IdentityText? identity, ILogger log)
    {
        Path = path;
        _claim = claim;
        Identity = identity;
        _log = log;
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>
    /// The identity of a read-only folder, which is passed to libzt from memory, because libzt would write to its folder. Null for a
    /// writable folder.
    /// </summary>
    public IdentityText? Identity { get; }

    /// <summary>
    /// Creates the folder if it is missing, claims it for this node, and validates the identity in it, because libzt would silently replace
    /// an invalid one.
    /// </summary>
    /// <exception cref="ZeroTierException">The folder cannot be used, is in use, or its identity is damaged.</exception>
    public static NodeFolder Open(string path, ILogger log)
    {
        path = System.IO.Path.GetFullPath(path);
        var claim = StorageClaim.Take(path);
        try
        {
            if (claim.ReadOnlyBecause is { } reason)
            {
                var known = ReadIdentity(path, claim);
                NodeLog.ReadOnlyStorage(log, path, reason);
                return new NodeFolder(path, claim, known, log);
            }

            OwnerFolder.RefuseLinks(path);
            ReadIdentity(path, claim)?.Dispose();
            return new NodeFolder(path, claim, null, log);
        }
        catch (Exception e)
        {
            claim.Dispose();
            throw e is UnauthorizedAccessException or (IOException and not ZeroTierException) ? StorageClaim.Unusable(path, e) : e;
        }
    }

    /// <summary>The planet file in the folder; empty without one.</summary>
    /// <exception cref="ZeroTierException">The file cannot be used.</exception>
    public byte[] ReadPlanet()
    {
        string file = System.IO.Path.Combine(Path, PlanetFile);
        try
        {
            if (!File.Exists(file))
            {
                return [];
            }

            return PrivateFile.Read(file, LibztNodeOptions.MaxPlanetLength) is { Length: > 0 } planet
                ? planet
                : throw new IOException("it has 0 bytes.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"The planet file '{file}' cannot be used: {e.Message} Replace it, or set Planet.", e);
        }
    }

    /// <summary>
    /// Stores exactly these networks in the folder. libzt joins networks found here immediately at start, seconds earlier than by a join
    /// call (docs/protocol/4-libzt-api.md 12.1); networks remaining from earlier runs would receive traffic of unbound sockets.
    /// </summary>
    public void SetNetworks(IReadOnlyCollection<NetworkId> networks) => Store("The joined networks", () =>
    {
        string folder = System.IO.Path.Combine(Path, NetworksFolder);
        OwnerFolder.CreateInside(folder);
        foreach (string file in Directory.GetFiles(folder, "*" + NetworkSuffix))
        {
            string name = System.IO.Path.GetFileName(file);
            if (NetworkId.TryParse(name[..name.IndexOf('.', StringComparison.Ordinal)], out var id) && !networks.Contains(id))
            {
                File.Delete(file);
            }
        }

        foreach (var network in networks)
        {
            string file = System.IO.Path.Combine(folder, network + NetworkSuffix);
            if (!File.Exists(file))
            {
                PrivateFile.Write(file, "\n"u8, secret: false, overwrite: true);
            }
        }
    });

    /// <summary>The UDP port of the last run; 0 when it is not known.</summary>
    public int LastPort => new StoredPort(Path).Load();

    /// <summary>Stores the UDP port for the next run; does nothing for 0.</summary>
    public void StorePort(int port)
    {
        if (port != 0 && port != LastPort)
        {
            Store("The UDP port", () => new StoredPort(Path).Save(port));
        }
    }

    /// <summary>Restricts the identity file to its owner, because libzt creates it with the process' umask.</summary>
    public void ProtectIdentity() => Store("The mode of the identity file", () =>
    {
        string file = System.IO.Path.Combine(Path, SecretFile);
        if (File.Exists(file))
        {
            PrivateFile.Tighten(file);
        }
    });

    public void Dispose()
    {
        Identity?.Dispose();
        _claim.Dispose();
    }

    private static IdentityText? ReadIdentity(string path, StorageClaim claim)
    {
        string secret = System.IO.Path.Combine(path, SecretFile);
        if (!File.Exists(secret))
        {
            string other = System.IO.Path.Combine(path, PublicFile);
            if (File.Exists(other))
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage,
                    $"'{other}' is there, but no '{SecretFile}' beside it, so the node's private key is lost. Restore the secret file, or "
                    + "remove the public one to get a new identity.");
            }

            return null;
        }

        return IdentityText.OfFolder(claim) ?? throw new ZeroTierException(
            ZeroTierError.Storage,
            $"The identity file '{secret}' is damaged. Restore it from a backup, or move it away to get a new identity and with it a new "
            + "node address.");
    }

    // Logs a failed write: it only makes the next start slower.
    private void Store(string what, Action write)
    {
        if (Identity is not null)
        {
            return;
        }

        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LifecycleLog.NotStored(_log, what, e);
        }
    }
}
