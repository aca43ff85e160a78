using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>
/// The folder of a root: its identity, the key that signs its planet, and the planet. While it is open, no other process can run this root.
/// </summary>
internal sealed class RootFolder : IDisposable
{
    /// <summary>The private key that signs planet updates; file mode 0600.</summary>
    public const string SigningKeyFileName = "planet.secret";

    private readonly IdentityStore _store;
    private readonly PlanetSigningKey? _signingKey;
    private readonly RandomSource _random;

    private RootFolder(IdentityStore store, PlanetSigningKey? signingKey, RandomSource random, string planetPath)
    {
        _store = store;
        _signingKey = signingKey;
        _random = random;
        PlanetPath = planetPath;
    }

    /// <summary>The root's identity; disposed with this object.</summary>
    public NodeIdentity Identity => _store.Identity;

    public string PlanetPath { get; }

    /// <summary>The stored planet; null when there is none, or only one that may be replaced.</summary>
    public Planet? Planet { get; private set; }

    /// <summary>Opens the folder. Creates the identity and the signing key if missing, but not the planet.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="planetPath">The planet's file.</param>
    /// <param name="replacesPlanet">Whether a planet that is damaged, or does not belong to this root, may be replaced. Nodes that have the
    /// old planet do not accept the new one.</param>
    /// <param name="random">Generates the keys.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The folder is in use, or its files are damaged.</exception>
    public static async Task<RootFolder> OpenAsync(
        string path, string planetPath, bool replacesPlanet, RandomSource random, CancellationToken cancellationToken)
    {
        var store = await IdentityStore.OpenAsync(path, random, cancellationToken).ConfigureAwait(false);
        RootFolder? folder = null;
        try
        {
            // A planet without its signing key in this folder was created by another of its roots; no new key is generated for it.
            string keyFile = Path.Combine(path, SigningKeyFileName);
            var key = File.Exists(keyFile) || replacesPlanet || !File.Exists(planetPath) ? LoadSigningKey(keyFile, random) : null;
            folder = new RootFolder(store, key, random, planetPath);
            folder.Planet = folder.LoadPlanet(replacesPlanet);
            return folder;
        }
        catch
        {
            folder?._signingKey?.Dispose();
            store.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes sure that the stored planet has this root and the others with these endpoints: leaves it unchanged, updates it, or creates it.
    /// </summary>
    /// <param name="endPoints">The endpoints of this root; empty to keep those in the planet.</param>
    /// <param name="others">Roots to add, or to update with new endpoints. Other roots that are in the planet remain.</param>
    /// <param name="now">The current time.</param>
    /// <returns>The planet.</returns>
    /// <exception cref="ArgumentException">There is neither a planet nor an endpoint for a new one, or there would be too many
    /// roots.</exception>
    /// <exception cref="ZeroTierException">The planet would have to change, and its signing key is not in the folder.</exception>
    public Planet Publish(IReadOnlyList<InetEndPoint> endPoints, IReadOnlyList<PlanetRoot> others, DateTimeOffset now)
    {
        var present = Planet?.Roots ?? [];
        var changed = others.ToList();
        if (endPoints.Count > 0)
        {
            changed.Insert(0, new PlanetRoot(Identity, endPoints));
        }
        else if (Planet is null)
        {
            throw new ArgumentException(
                "There is no planet yet, so it must be said where nodes reach the root, for example at 203.0.113.5:9993.");
        }

        PlanetRoot[] roots =
        [
            .. present.Select(root => changed.Find(other => other.Identity.Equals(root.Identity)) ?? root),
            .. changed.Where(root => !present.Any(other => other.Identity.Equals(root.Identity))),
        ];
        if (Planet is not null
            && roots.Length == present.Count
            && roots.Zip(present).All(pair => pair.First.EndPoints.SequenceEqual(pair.Second.EndPoints)))
        {
            return Planet;
        }

        if (_signingKey is null || (Planet is not null && !Planet.UpdateKey.SequenceEqual(_signingKey.PublicKey)))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The planet '{PlanetPath}' would have to change, and the key that signs it is not in this folder. "
                + "Change it where it was made (zt planet add-root), and copy the new planet here.");
        }

        var planet = Planet is null
            ? Managed.Planet.Create(NewPlanetId(), now, roots, _signingKey)
            : Planet.Update(Later(now, Planet), roots, _signingKey);
        planet.Save(PlanetPath);
        return Planet = planet;
    }

    public void Dispose()
    {
        _signingKey?.Dispose();
        _store.Dispose();
    }

    // Nodes accept only updates with a later timestamp; this must work also after the clock was set back.
    private static DateTimeOffset Later(DateTimeOffset now, Planet than)
    {
        var next = DateTimeOffset.FromUnixTimeMilliseconds((long)than.Timestamp + 1);
        return now > next ? now : next;
    }

    // The high bit avoids reserved IDs: 0, and the low ones of public planets.
    private ulong NewPlanetId() => _random.NextUInt64() | 1UL << 63;

    private Planet? LoadPlanet(bool replaces)
    {
        if (!File.Exists(PlanetPath))
        {
            return null;
        }

        try
        {
            var planet = Managed.Planet.Load(PlanetPath);
            if (planet.Verify() && planet.Roots.Any(root => root.Identity.Equals(Identity)))
            {
                // The development network's planet has this root only and is signed with this folder's key; any other may be replaced.
                return !replaces || (planet.Roots.Count == 1 && planet.UpdateKey.SequenceEqual(_signingKey!.PublicKey)) ? planet : null;
            }

            return replaces
                ? null
                : throw Unusable("it does not name this root, or is not signed. Another root's planet gets it with 'zt planet add-root'.");
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
        $"The planet '{PlanetPath}' cannot be used: {why} Nothing was changed. Put back a copy of it, such as a node has. Without the file "
        + "a new planet is made, which every node would need.",
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
                $"The planet's signing key '{file}' cannot be used: {e.Message} Nothing was changed. Without it the planet cannot be "
                + "updated, and every node would need a new one.",
                e);
        }
    }
}
