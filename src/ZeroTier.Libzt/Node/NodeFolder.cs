using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>The storage folder, which libzt writes and the managed engine understands. Held by one node at a time, of either engine.</summary>
internal sealed class NodeFolder : IDisposable
{
    private const string SecretFile = "identity.secret";
    private const string PublicFile = "identity.public";
    private const string LockFile = "node.lock";
    private const string PlanetFile = "planet";
    private const string NetworksFolder = "networks.d";
    private const string NetworkSuffix = ".conf";

    private readonly FileStream _lock;
    private readonly ILogger _log;

    private NodeFolder(string path, FileStream lockFile, ILogger log)
    {
        Path = path;
        _lock = lockFile;
        _log = log;
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>Makes the folder where it is missing, takes it for this node, and checks the identity in it, which libzt would silently replace.</summary>
    /// <exception cref="ZeroTierException">It cannot be used, is in use, or its identity is damaged.</exception>
    public static NodeFolder Open(string path, ILogger log)
    {
        path = System.IO.Path.GetFullPath(path);
        FileStream? lockFile = null;
        try
        {
            OwnerFolder.Create(path);
            lockFile = Lock(path);
            OwnerFolder.RefuseLinks(path);
            CheckIdentity(path);
            return new NodeFolder(path, lockFile, log);
        }
        catch (Exception e)
        {
            lockFile?.Dispose();
            throw e is UnauthorizedAccessException or (IOException and not ZeroTierException)
                ? new ZeroTierException(ZeroTierError.Storage, $"The storage folder '{path}' cannot be used: {e.Message} Check its owner and rights, or name another folder.", e)
                : e;
        }
    }

    /// <summary>The roots that somebody put here; empty without.</summary>
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

            return OwnerFile.Read(file, LibztNodeOptions.MaxPlanetLength) is { Length: > 0 } planet ? planet : throw new IOException("it has 0 bytes.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(ZeroTierError.Storage, $"The planet file '{file}' cannot be used: {e.Message} Replace it, or set Planet.", e);
        }
    }

    /// <summary>
    /// Makes the folder remember exactly these networks. libzt joins what it finds here at once, seconds before it would act on a join call (chapter 4, section
    /// 12.1), and networks that nobody asked for would take over its unbound sockets.
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
                OwnerFile.Write(file, "\n"u8, secret: false, overwrite: true);
            }
        }
    });

    /// <summary>Closes the secret to others; libzt's own care depends on the process' mask.</summary>
    public void ProtectIdentity() => Store("The mode of the identity file", () =>
    {
        string file = System.IO.Path.Combine(Path, SecretFile);
        if (File.Exists(file))
        {
            OwnerFile.Tighten(file);
        }
    });

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        string file = System.IO.Path.Combine(path, LockFile);
        try
        {
            return OwnerFile.Lock(file);
        }
        catch (IOException e)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The identity directory '{path}' is in use by another node (its lock file '{file}' is held), or the lock file cannot be opened: {e.Message} " +
                "Two nodes with one identity would disturb each other. Stop the other node, or give this one a directory of its own.",
                e);
        }
    }

    private static void CheckIdentity(string path)
    {
        string secret = System.IO.Path.Combine(path, SecretFile);
        if (!File.Exists(secret))
        {
            string other = System.IO.Path.Combine(path, PublicFile);
            if (File.Exists(other))
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage,
                    $"'{other}' is there, but no '{SecretFile}' beside it, so the node's private key is lost. Restore the secret file, or remove the public one to get a new identity.");
            }

            return;
        }

        if (!IdentityText.IsValidFile(secret))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The identity file '{secret}' is damaged. Restore it from a backup, or move it away to get a new identity and with it a new node address.");
        }
    }

    // What cannot be stored costs a slower next start, not this run.
    private void Store(string what, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NodeLog.NotStored(_log, what, e);
        }
    }
}
