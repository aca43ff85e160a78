namespace ZeroTier.Managed.Vl1.Worlds;

/// <summary>
/// The planet and the moons that a node uses, and which newer ones it accepts (docs/protocol/2-vl1.md 2.8.3). Immutable: replaced whole
/// under the control lock, so that signatures can be verified without it.
/// </summary>
/// <param name="Planet">The planet.</param>
/// <param name="Moons">The moons whose definition is known, by ID.</param>
/// <param name="Wanted">The seeds of the moons whose definition is not known yet, by moon ID.</param>
internal sealed record WorldSet(Planet Planet, IReadOnlyDictionary<ulong, Moon> Moons, IReadOnlyDictionary<ulong, NodeId> Wanted)
{
    public WorldSet(Planet planet)
        : this(planet, new Dictionary<ulong, Moon>(), new Dictionary<ulong, NodeId>())
    {
    }

    /// <summary>The moons to announce in HELLO to roots and seeds.</summary>
    public WorldVersion[] Announced => Moons.Count + Wanted.Count == 0
        ? []
        : [.. Moons.Values.Select(moon => moon.World.Version), .. Wanted.Keys.Select(id => new WorldVersion(id, 0))];

    public bool IsFull => Moons.Count + Wanted.Count >= Vl1Limits.Moons;

    public bool IsSeed(NodeId node) => Wanted.Count > 0 && Wanted.Values.Contains(node);

    /// <summary>
    /// The roots of the planet, then those that only moons have. A root that is listed several times has the endpoints of all its entries.
    /// </summary>
    public IReadOnlyList<(PlanetRoot Root, bool OfMoon)> Roots
    {
        get
        {
            var roots = new List<(PlanetRoot Root, bool OfMoon)>();
            foreach (var root in Planet.Roots)
            {
                Add(roots, root, ofMoon: false);
            }

            if (Moons.Count > 0)
            {
                foreach (var root in Moons.Values.OrderBy(moon => moon.Id).SelectMany(moon => moon.Roots))
                {
                    Add(roots, root, ofMoon: true);
                }
            }

            return roots;
        }
    }

    /// <summary>Uses a moon whose definition is known, unless a newer revision is in use.</summary>
    public WorldSet With(Moon moon) => Moons.TryGetValue(moon.Id, out var known) && known.Timestamp >= moon.Timestamp
        ? this
        : this with { Moons = new Dictionary<ulong, Moon>(Moons) { [moon.Id] = moon }, Wanted = Without(Wanted, moon.Id) };

    /// <summary>Looks for the definition of a moon, unless it is known.</summary>
    public WorldSet Wanting(ulong id, NodeId seed) =>
        Moons.ContainsKey(id) ? this : this with { Wanted = new Dictionary<ulong, NodeId>(Wanted) { [id] = seed } };

    public WorldSet Without(ulong id) => this with { Moons = Without(Moons, id), Wanted = Without(Wanted, id) };

    /// <summary>
    /// Whether a world that a node has sent is accepted: an update from a root, signed by the update key of the revision in use; or the
    /// first definition of a wanted moon, from the configured seed, which must be one of the moon's roots. Verifies signatures of updates.
    /// </summary>
    /// <remarks>
    /// ZeroTierOne 1.12 accepts the first definition from any root or seed. Anybody can write a moon that lists a seed as its root, so here
    /// only the seed itself is trusted. The signature of a first definition is not checked, since it proves nothing: the moon contains the
    /// key, and a later revision may be signed by an earlier key.
    /// </remarks>
    public bool Accepts(World world, NodeId from, bool isUpstream)
    {
        if (world.Type == World.PlanetType)
        {
            return isUpstream && world.CanReplace(Planet.World);
        }

        if (Moons.TryGetValue(world.Id, out var known))
        {
            return isUpstream && world.CanReplace(known.World);
        }

        return Wanted.TryGetValue(world.Id, out var seed) && seed == from && world.Roots.Any(root => root.Identity.Address == seed);
    }

    /// <summary>The set with an accepted world; the same set when the world is no longer newer, or no longer wanted.</summary>
    public WorldSet With(World world) => world.Type == World.MoonType
        ? Moons.ContainsKey(world.Id) || Wanted.ContainsKey(world.Id) ? With(new Moon(world)) : this
        : world.Id == Planet.Id && world.Timestamp > Planet.Timestamp ? this with { Planet = new Planet(world) } : this;

    private static Dictionary<ulong, T> Without<T>(IReadOnlyDictionary<ulong, T> all, ulong id)
    {
        var others = new Dictionary<ulong, T>(all);
        others.Remove(id);
        return others;
    }

    private static void Add(List<(PlanetRoot Root, bool OfMoon)> roots, PlanetRoot root, bool ofMoon)
    {
        int known = roots.FindIndex(entry => entry.Root.Identity.Equals(root.Identity));
        var endPoints = known < 0 ? [] : new List<InetEndPoint>(roots[known].Root.EndPoints);
        foreach (var endPoint in root.EndPoints)
        {
            if (!endPoints.Contains(endPoint))
            {
                endPoints.Add(endPoint);
            }
        }

        if (known < 0)
        {
            roots.Add((new PlanetRoot(root.Identity, endPoints), ofMoon));
        }
        else
        {
            roots[known] = (new PlanetRoot(root.Identity, endPoints), roots[known].OfMoon);
        }
    }
}
