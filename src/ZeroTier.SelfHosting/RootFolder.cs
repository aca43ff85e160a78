using ZeroTier.Managed;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.SelfHosting;

/// <summary>What makes a root: its identity, the key that signs its planet, and the planet. While it is open nobody else can be this root.</summary>
internal sealed class RootFolder : IDisposable
{
    /// <summary>The private key of planet updates, mode 0600.</summary>
    public const string SigningKeyFileName = "planet.secret";

    private readonly IdentityStore _store;
    private readonly PlanetSigningKey _signingKey;
    private readonly RandomSource _random;

    private RootFolder(IdentityStore store, PlanetSigningKey signingKey, RandomSource random, string planetPath)
    {
        _store = store;
        _signingKey = signingKey;
        _random = random;
        PlanetPath = planetPath;
    }

    /// <summary>The root's identity; it lives as long as this object.</summary>
    public NodeIdentity Identity => _store.Identity;

    public string PlanetPath { get; }

    /// <summary>The planet as stored; null when there is none yet, or one that may be replaced.</summary>
    public Planet? Planet { get; private set; }

    /// <summary>Opens the folder and makes what is missing, but for the planet.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="planetPath">The planet's file.</param>
    /// <param name="replacesPlanet">Whether a planet that is damaged, or not this root's, may be replaced. A new one is of no use to nodes that have the old one.</param>
    /// <param name="random">For keys.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">The folder is in use, or its files are damaged.</exception>
    public static async Task<RootFolder> OpenAsync(string path, string planetPath, bool replacesPlanet, RandomSource random, CancellationToken cancellationToken)
    {
        var store = await IdentityStore.OpenAsync(path, random, cancellationToken).ConfigureAwait(false);
        RootFolder? folder = null;
        try
        {
            folder = new RootFolder(store, LoadSigningKey(Path.Combine(path, SigningKeyFileName), random), random, planetPath);
            folder.Planet = folder.LoadPlanet(replacesPlanet);
            return folder;
        }
        catch
        {
            folder?._signingKey.Dispose();
            store.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that the stored planet says that this root is reached at these endpoints: as it is, as an update, or as a new planet.</summary>
    /// <returns>The planet.</returns>
    public Planet Publish(IReadOnlyList<InetEndPoint> endPoints, DateTimeOffset now)
    {
        if (Planet is { } current && current.Roots[0].EndPoints.SequenceEqual(endPoints))
        {
            return current;
        }

        PlanetRoot[] roots = [new(Identity, endPoints)];
        var planet = Planet is null
            ? Managed.Vl1.Planet.Create(NewPlanetId(), now, roots, _signingKey)
            : Planet.Update(Later(now, Planet), roots, _signingKey);
        planet.Save(PlanetPath);
        return Planet = planet;
    }

    public void Dispose()
    {
        _signingKey.Dispose();
        _store.Dispose();
    }

    // A clock that was set back must not make an update impossible.
    private static DateTimeOffset Later(DateTimeOffset now, Planet than)
    {
        var next = DateTimeOffset.FromUnixTimeMilliseconds((long)than.Timestamp + 1);
        return now > next ? now : next;
    }

    // Any number but those with a meaning: 0, and the low ones of the public universes.
    private ulong NewPlanetId() => _random.NextUInt64() | 1UL << 63;

    private Planet? LoadPlanet(bool replaces)
    {
        if (!File.Exists(PlanetPath))
        {
            return null;
        }

        try
        {
            var planet = Managed.Vl1.Planet.Load(PlanetPath);
            bool ours = planet.Roots.Count == 1 && planet.Roots[0].Identity.Equals(Identity) && planet.UpdateKey.SequenceEqual(_signingKey.PublicKey);
            return ours && planet.Verify() ? planet : replaces ? null : throw Unusable("it is not the planet of this one root, signed with its key.");
        }
        catch (FormatException) when (replaces)
        {
            return null;
        }
        catch (Exception e) when (e is FormatException or UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw Unusable(e.Message, e);
        }
    }

    private ZeroTierException Unusable(string why, Exception? inner = null) => new(
        ZeroTierError.Storage,
        $"The planet '{PlanetPath}' cannot be used: {why} Nothing was changed. Put back a copy of it, such as a node has. Without the file a new planet is made, which every node would need.",
        inner);

    private static PlanetSigningKey LoadSigningKey(string file, RandomSource random)
    {
        try
        {
            if (File.Exists(file))
            {
                return PlanetSigningKey.Load(file);
            }

            var key = PlanetSigningKey.Generate(random);
            key.Save(file);
            return key;
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The planet's signing key '{file}' cannot be used: {e.Message} Nothing was changed. Without it the planet cannot be updated, and every node would need a new one.",
                e);
        }
    }
}
