using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl1.Worlds;

/// <summary>
/// The planet and the moons that a node uses, and which newer ones it accepts (docs/protocol/2-vl1.md 2.8.3). Immutable: replaced whole
/// under the control lock, so that signatures can be verified without it.
/// </summary>
/// <param name="Planet">The planet.</param>
/// <param name="Moons">The moons with a definition.</param>
/// <param name="Wanted">The moons without one, and the node of each that hands it out.</param>
internal sealed record WorldSet(Planet Planet, ImmutableDictionary<ulong, Moon> Moons, ImmutableDictionary<ulong, NodeId> Wanted)
{
    public WorldSet(Planet planet)
        : this(planet, ImmutableDictionary<ulong, Moon>.Empty, ImmutableDictionary<ulong, NodeId>.Empty)
    {
    }

    /// <summary>What HELLO to roots and seeds says of moons.</summary>
    public WorldVersion[] Announced => Moons.IsEmpty && Wanted.IsEmpty
        ? []
        : [.. Moons.Values.Select(moon => moon.World.Version), .. Wanted.Keys.Select(id => new WorldVersion(id, 0))];

    public bool IsFull => Moons.Count + Wanted.Count >= Vl1Limits.Moons;

    public bool IsSeed(NodeId node) => Wanted.Count > 0 && Wanted.ContainsValue(node);

    /// <summary>Roots of the planet, then those of moons that it does not have; a root of several has the endpoints of all.</summary>
    public IEnumerable<(PlanetRoot Root, bool OfMoon)> Roots => Planet.Roots.Select(root => (root, false))
        .Concat(Moons.OrderBy(moon => moon.Key).SelectMany(moon => moon.Value.Roots).Select(root => (root, true)))
        .GroupBy(entry => entry.Item1.Identity)
        .Select(
            same => (new PlanetRoot(same.Key, [.. same.SelectMany(entry => entry.Item1.EndPoints).Distinct()]),
                same.All(entry => entry.Item2)));

    /// <summary>Uses a moon whose definition is at hand, unless a newer one is in use.</summary>
    public WorldSet With(Moon moon) => Moons.TryGetValue(moon.Id, out var known) && known.Timestamp >= moon.Timestamp
        ? this
        : this with { Moons = Moons.SetItem(moon.Id, moon), Wanted = Wanted.Remove(moon.Id) };

    /// <summary>Looks for the definition of a moon, unless it is there.</summary>
    public WorldSet Wanting(ulong id, NodeId seed) => Moons.ContainsKey(id) ? this : this with { Wanted = Wanted.SetItem(id, seed) };

    public WorldSet Without(ulong id) => this with { Moons = Moons.Remove(id), Wanted = Wanted.Remove(id) };

    /// <summary>
    /// Whether a world that a node handed out is accepted: an update from a root, signed by the key that the present one names; or the
    /// first definition of a moon that we want, from the seed that we named and that it names as a root. Verifies signatures.
    /// </summary>
    /// <remarks>
    /// ZeroTierOne 1.12 takes the first definition from any root or seed. Anybody can write a moon that names a seed, so here only the seed
    /// itself is believed. Its signature proves nothing: the key is part of it, and may have changed with a revision.
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

    /// <summary>With a world that was accepted; the same when another has taken its place meanwhile.</summary>
    public WorldSet With(World world) => world.Type == World.MoonType
        ? Moons.ContainsKey(world.Id) || Wanted.ContainsKey(world.Id) ? With(new Moon(world)) : this
        : world.Id == Planet.Id && world.Timestamp > Planet.Timestamp ? this with { Planet = new Planet(world) } : this;
}
