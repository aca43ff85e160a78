using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl1.Worlds;

/// <summary>
/// The planet and the moons that a node uses, and which newer ones it accepts (docs/protocol/2-vl1.md 2.8.3). Immutable: replaced whole
/// under the control lock, so that signatures can be verified without it.
/// </summary>
/// <param name="Planet">The planet.</param>
/// <param name="Moons">The moons whose definition is known, by ID.</param>
/// <param name="Wanted">The seeds of the moons whose definition is not known yet, by moon ID.</param>
internal sealed record WorldSet(Planet Planet, ImmutableDictionary<ulong, Moon> Moons, ImmutableDictionary<ulong, NodeId> Wanted)
{
    public WorldSet(Planet planet)
        : this(planet, ImmutableDictionary<ulong, Moon>.Empty, ImmutableDictionary<ulong, NodeId>.Empty)
    {
    }

    /// <summary>The moons to announce in HELLO to roots and seeds.</summary>
    public WorldVersion[] Announced => Moons.IsEmpty && Wanted.IsEmpty
        ? []
        : [.. Moons.Values.Select(moon => moon.World.Version), .. Wanted.Keys.Select(id => new WorldVersion(id, 0))];

    public bool IsFull => Moons.Count + Wanted.Count >= Vl1Limits.Moons;

    public bool IsSeed(NodeId node) => Wanted.Count > 0 && Wanted.ContainsValue(node);

    /// <summary>
    /// The roots of the planet, then those that only moons have. A root that is listed several times has the endpoints of all its entries.
    /// </summary>
    public IEnumerable<(PlanetRoot Root, bool OfMoon)> Roots => Planet.Roots.Select(root => (root, false))
        .Concat(Moons.OrderBy(moon => moon.Key).SelectMany(moon => moon.Value.Roots).Select(root => (root, true)))
        .GroupBy(entry => entry.Item1.Identity)
        .Select(
            same => (new PlanetRoot(same.Key, [.. same.SelectMany(entry => entry.Item1.EndPoints).Distinct()]),
                same.All(entry => entry.Item2)));

    /// <summary>Uses a moon whose definition is known, unless a newer revision is in use.</summary>
    public WorldSet With(Moon moon) => Moons.TryGetValue(moon.Id, out var known) && known.Timestamp >= moon.Timestamp
        ? this
        : this with { Moons = Moons.SetItem(moon.Id, moon), Wanted = Wanted.Remove(moon.Id) };

    /// <summary>Looks for the definition of a moon, unless it is known.</summary>
    public WorldSet Wanting(ulong id, NodeId seed) => Moons.ContainsKey(id) ? this : this with { Wanted = Wanted.SetItem(id, seed) };

    public WorldSet Without(ulong id) => this with { Moons = Moons.Remove(id), Wanted = Wanted.Remove(id) };

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
}
