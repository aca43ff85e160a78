using ZeroTier.Engines;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Limits;
using ZeroTier.Managed.Vl1.Peers;
using ZeroTier.Platform;

namespace ZeroTier.Controller.Import;

/// <summary>Copies a node from the home folder of ZeroTierOne to a storage folder: its identity and its peer cache.</summary>
internal static class NodeTransfer
{
    private const string PeersName = "peers.d";
    private const string PeerPattern = "*.peer";

    /// <summary>Writes the identity if the folder has none, and then the peers.</summary>
    /// <param name="identity">The node's identity, with its private key.</param>
    /// <param name="source">The home folder of ZeroTierOne.</param>
    /// <param name="target">The storage folder; created if missing, accessible to its owner only.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The folder is in use, or has another identity.</exception>
    public static async Task WriteAsync(NodeIdentity identity, string source, string target, CancellationToken cancellationToken)
    {
        // While the store is open, no node can use the folder and write peers to it.
        using var store = await IdentityStore.OpenAsync(target, identity, cancellationToken).ConfigureAwait(false);
        if (!store.Identity.Equals(identity))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The folder '{target}' has the identity {store.Identity.Address} already, and the networks belong to {identity.Address}. "
                + "Nothing was changed. Name a new folder.");
        }

        CopyPeers(Path.Combine(source, PeersName), Path.Combine(target, PeersName));
    }

    private static void CopyPeers(string source, string target)
    {
        if (!Directory.Exists(source))
        {
            return;
        }

        OwnerFolder.CreateInside(target);
        foreach (FileInfo file in new DirectoryInfo(source).EnumerateFiles(PeerPattern).OrderByDescending(f => f.LastWriteTimeUtc)
            .Where(f => f.Length <= KnownPeer.MaxSize).Take(Vl1Limits.CachedPeers))
        {
            if (PrivateFile.Read(file.FullName, KnownPeer.MaxSize) is var record && KnownPeer.TryRead(record) is { } peer)
            {
                // The name comes from the record, not from the source file. The node loads its cached peers in the order of file times.
                string copy = Path.Combine(target, $"{peer.Identity.Address}.peer");
                PrivateFile.Write(copy, record, secret: true, overwrite: true, durable: false);
                File.SetLastWriteTimeUtc(copy, file.LastWriteTimeUtc);
            }
        }
    }
}
