using ZeroTier.Engines;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Limits;
using ZeroTier.Managed.Vl1.Peers;
using ZeroTier.Platform;

namespace ZeroTier.Controller.Import;

/// <summary>What makes a storage folder that of a node which lived elsewhere: its identity, and the peers that it knew.</summary>
internal static class NodeTransfer
{
    private const string PeersName = "peers.d";
    private const string PeerPattern = "*.peer";

    /// <summary>Writes the identity where the folder has none, and then the peers.</summary>
    /// <exception cref="ZeroTierException">The folder is in use, or another node's.</exception>
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
                // Named anew: what the record says counts. The time tells the node whom to greet first.
                string copy = Path.Combine(target, $"{peer.Identity.Address}.peer");
                PrivateFile.Write(copy, record, secret: true, overwrite: true, durable: false);
                File.SetLastWriteTimeUtc(copy, file.LastWriteTimeUtc);
            }
        }
    }
}
