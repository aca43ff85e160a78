using System.Globalization;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;
using ZeroTier.Platform;

namespace ZeroTier.Managed.Node;

/// <summary>The peer cache on disk, in the folder <c>peers.d</c>, for the next start (docs/protocol/2-vl1.md 2.18).</summary>
internal sealed class PeerFiles(string folder, TimeProvider time, ILogger log)
{
    private const string Suffix = ".peer";
    private readonly string _path = Path.Combine(folder, "peers.d");

    // Content of the files, so that only changes are written. Locked by itself.
    private readonly Dictionary<string, byte[]> _stored = new(StringComparer.Ordinal);

    /// <summary>The stored peers, most recently heard first.</summary>
    public IReadOnlyList<KnownPeer> Load()
    {
        lock (_stored)
        {
            var peers = new List<KnownPeer>();
            int count = 0;
            foreach (string file in Files().OrderByDescending(File.GetLastWriteTimeUtc))
            {
                try
                {
                    if (count++ >= Vl1Limits.CachedPeers)
                    {
                        // Files of evicted peers are removed here as well, since a node that is always killed never stores at its end.
                        File.Delete(file);
                        continue;
                    }

                    if (PrivateFile.Read(file, KnownPeer.MaxSize) is var record && KnownPeer.TryRead(record) is { } peer)
                    {
                        peers.Add(peer);
                        _stored[file] = record;
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    LifecycleLog.NotStored(log, file, e);
                }
            }

            return peers;
        }
    }

    /// <summary>Stores these peers and removes all others. Thread-safe.</summary>
    /// <param name="peers">The peers, most recently heard first.</param>
    public void Save(IReadOnlyList<KnownPeer> peers)
    {
        lock (_stored)
        {
            OwnerFolder.CreateInside(_path);
            Span<byte> bytes = stackalloc byte[KnownPeer.MaxSize];
            var current = new HashSet<string>(StringComparer.Ordinal);
            foreach (var peer in peers)
            {
                current.Add(Write(peer, bytes));
            }

            foreach (string file in Files().Where(file => !current.Contains(file)))
            {
                File.Delete(file);
                _stored.Remove(file);
            }

            KeepOrder(peers);
        }
    }

    /// <summary>Writes one peer immediately. Thread-safe.</summary>
    public void Save(KnownPeer peer)
    {
        lock (_stored)
        {
            OwnerFolder.CreateInside(_path);
            Write(peer, stackalloc byte[KnownPeer.MaxSize]);
        }
    }

    private string Write(KnownPeer peer, Span<byte> buffer)
    {
        string file = FileOf(peer);
        var record = buffer[..peer.Write(buffer)];
        if (!_stored.TryGetValue(file, out byte[]? stored) || !record.SequenceEqual(stored))
        {
            // Not flushed to disk: a lost peer can be looked up again.
            PrivateFile.Write(file, record, secret: true, overwrite: true, durable: false);
            _stored[file] = record.ToArray();
        }

        return file;
    }

    /// <summary>Stores the order, as file times, of those peers that are sent HELLO at the next start.</summary>
    private void KeepOrder(IReadOnlyList<KnownPeer> peers)
    {
        var now = time.GetUtcNow().UtcDateTime;
        for (int i = 0; i < Math.Min(peers.Count, Vl1Limits.HellosAtStart); i++)
        {
            File.SetLastWriteTimeUtc(FileOf(peers[i]), now.AddSeconds(-i));
        }
    }

    private string FileOf(KnownPeer peer) =>
        Path.Combine(_path, string.Create(CultureInfo.InvariantCulture, $"{peer.Identity.Address}{Suffix}"));

    private IEnumerable<string> Files() => NodeFiles.Files(_path, Suffix);
}
