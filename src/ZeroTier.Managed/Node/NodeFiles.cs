using System.Globalization;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Node;

/// <summary>What a node keeps in its storage folder besides its identity: the planet, joined networks, known peers (chapters 2.18 and 3.13).</summary>
internal sealed class NodeFiles(string folder, ILogger log)
{
    private const string NetworkSuffix = ".conf";
    private const string PeerSuffix = ".peer";
    private readonly string _planet = Path.Combine(folder, "planet");
    private readonly string _networks = Path.Combine(folder, "networks.d");
    private readonly string _peers = Path.Combine(folder, "peers.d");

    // What the files hold, so that only what changed is written. Guarded by itself.
    private readonly Dictionary<string, byte[]> _storedPeers = new(StringComparer.Ordinal);

    /// <summary>The newer of the configured planet and the stored one, if the stored one is a legitimate update of it.</summary>
    /// <param name="configured">Null when only the stored one can be used.</param>
    /// <exception cref="ZeroTierException">There is no other planet, and the stored one cannot be read.</exception>
    public Planet? LoadPlanet(Planet? configured)
    {
        if (!File.Exists(_planet))
        {
            return configured;
        }

        try
        {
            var stored = Planet.Load(_planet);
            return configured is null || stored.CanReplace(configured) ? stored : configured;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return configured ?? throw new ZeroTierException(ZeroTierError.Storage, $"The planet file '{_planet}' cannot be used: {e.Message} Replace it, or set Planet.", e);
        }
    }

    public void SavePlanet(Planet planet) => planet.Save(_planet);

    public IReadOnlyList<NetworkId> LoadNetworks()
    {
        var networks = new List<NetworkId>();
        foreach (string file in Files(_networks, NetworkSuffix))
        {
            if (NetworkId.TryParse(Path.GetFileNameWithoutExtension(file), out var id))
            {
                networks.Add(id);
            }
        }

        return networks;
    }

    public void AddNetwork(NetworkId network)
    {
        OwnerFolder.Create(_networks);
        string file = NetworkFile(network);
        if (!File.Exists(file))
        {
            File.WriteAllText(file, "\n");
        }
    }

    public void RemoveNetwork(NetworkId network)
    {
        if (Directory.Exists(_networks))
        {
            File.Delete(NetworkFile(network));
        }
    }

    /// <summary>The stored peers, those that changed last first.</summary>
    public IReadOnlyList<KnownPeer> LoadPeers()
    {
        var peers = new List<KnownPeer>();
        foreach (string file in Files(_peers, PeerSuffix).OrderByDescending(File.GetLastWriteTimeUtc).Take(Vl1Limits.RememberedPeers))
        {
            try
            {
                if (new FileInfo(file).Length <= KnownPeer.MaxSize && KnownPeer.TryRead(File.ReadAllBytes(file)) is { } peer)
                {
                    peers.Add(peer);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                NodeLog.NotStored(log, file, e);
            }
        }

        return peers;
    }

    /// <summary>Makes the folder hold these peers and no others. Thread-safe.</summary>
    public void SavePeers(IReadOnlyList<KnownPeer> peers)
    {
        lock (_storedPeers)
        {
            OwnerFolder.Create(_peers);
            Span<byte> bytes = stackalloc byte[KnownPeer.MaxSize];
            var current = new HashSet<string>(StringComparer.Ordinal);
            foreach (var peer in peers)
            {
                string file = Path.Combine(_peers, string.Create(CultureInfo.InvariantCulture, $"{peer.Identity.Address}{PeerSuffix}"));
                current.Add(file);
                var record = bytes[..peer.Write(bytes)];
                if (!_storedPeers.TryGetValue(file, out byte[]? stored) || !record.SequenceEqual(stored))
                {
                    File.WriteAllBytes(file, record);
                    _storedPeers[file] = record.ToArray();
                }
            }

            foreach (string file in Files(_peers, PeerSuffix))
            {
                if (!current.Contains(file))
                {
                    File.Delete(file);
                    _storedPeers.Remove(file);
                }
            }
        }
    }

    private string NetworkFile(NetworkId network) => Path.Combine(_networks, network + NetworkSuffix);

    private static IEnumerable<string> Files(string directory, string suffix) =>
        Directory.Exists(directory) ? Directory.GetFiles(directory, "*" + suffix).Order(StringComparer.Ordinal) : [];
}
