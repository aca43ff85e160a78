using System.Globalization;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Platform;

namespace ZeroTier.Managed.Node;

/// <summary>
/// The files in a node's storage folder besides its identity and its peers: planet, moons, joined networks (docs/protocol/2-vl1.md 2.18
/// and docs/protocol/3-vl2.md 3.13).
/// </summary>
internal sealed class NodeFiles(string folder)
{
    private const string NetworkSuffix = ".conf";
    private const string MoonSuffix = ".moon";
    private readonly string _planet = Path.Combine(folder, "planet");
    private readonly string _moons = Path.Combine(folder, "moons.d");
    private readonly string _networks = Path.Combine(folder, "networks.d");

    /// <summary>
    /// The newer of the configured and the stored planet, if both have the same ID. The stored one is trusted without the configured one's
    /// key, because a node stores only valid updates and an update may change the key.
    /// </summary>
    /// <param name="configured">The configured planet; null for none.</param>
    /// <exception cref="ZeroTierException">No planet is configured, and the stored one cannot be read.</exception>
    public Planet? LoadPlanet(Planet? configured)
    {
        if (!File.Exists(_planet))
        {
            return configured;
        }

        try
        {
            var stored = Planet.Parse(PrivateFile.Read(_planet, Planet.MaxSize));
            return configured is null || (stored.Id == configured.Id && stored.Timestamp > configured.Timestamp) ? stored : configured;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return configured
                ?? throw new ZeroTierException(
                    ZeroTierError.Storage, $"The planet file '{_planet}' cannot be used: {e.Message} Replace it, or set Planet.", e);
        }
    }

    public void SavePlanet(Planet planet) => planet.Save(_planet);

    /// <summary>
    /// The moons stored by earlier runs. They are trusted, like all files in the folder. A file that is not a moon, or whose name does not
    /// match the moon's ID, is ignored.
    /// </summary>
    public IReadOnlyList<Moon> LoadMoons()
    {
        var moons = new List<Moon>();
        foreach (string file in Files(_moons, MoonSuffix))
        {
            try
            {
                if (Moon.TryParse(PrivateFile.Read(file, Moon.MaxSize), out var moon) && file == MoonFile(moon.Id))
                {
                    moons.Add(moon);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Treated as missing. A moon that is configured or orbited is written again.
            }
        }

        return moons;
    }

    public void SaveMoon(Moon moon)
    {
        OwnerFolder.CreateInside(_moons);
        moon.Save(MoonFile(moon.Id));
    }

    public void RemoveMoon(ulong moon)
    {
        if (Directory.Exists(_moons))
        {
            File.Delete(MoonFile(moon));
        }
    }

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
        OwnerFolder.CreateInside(_networks);
        string file = NetworkFile(network);
        if (!File.Exists(file))
        {
            PrivateFile.Write(file, "\n"u8, secret: false, overwrite: true);
        }
    }

    /// <summary>The configuration of a network that an earlier run stored; empty for none.</summary>
    public ReadOnlyMemory<byte> LoadConfiguration(NetworkId network)
    {
        string file = NetworkFile(network);
        try
        {
            return File.Exists(file) ? PrivateFile.Read(file, NetworkDictionary.MaxLength) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The configuration is requested from the controller in any case.
            return default;
        }
    }

    /// <summary>Stores a network's configuration for the next start (docs/protocol/3-vl2.md 3.13).</summary>
    public void SaveConfiguration(NetworkId network, ReadOnlySpan<byte> configuration)
    {
        OwnerFolder.CreateInside(_networks);
        PrivateFile.Write(NetworkFile(network), configuration, secret: true, overwrite: true, durable: false);
    }

    public void RemoveNetwork(NetworkId network)
    {
        if (Directory.Exists(_networks))
        {
            File.Delete(NetworkFile(network));
        }
    }

    private string NetworkFile(NetworkId network) => Path.Combine(_networks, network + NetworkSuffix);

    private string MoonFile(ulong moon) => Path.Combine(_moons, moon.ToString("x16", CultureInfo.InvariantCulture) + MoonSuffix);

    internal static IEnumerable<string> Files(string directory, string suffix) =>
        Directory.Exists(directory) ? Directory.GetFiles(directory, "*" + suffix).Order(StringComparer.Ordinal) : [];
}
