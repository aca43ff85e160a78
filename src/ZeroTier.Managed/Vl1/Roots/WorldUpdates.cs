using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Vl1.Lookup;
using ZeroTier.Managed.Vl1.Reachability;
using ZeroTier.Managed.Vl1.RootService;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Roots;

/// <summary>
/// Distribution of planet and moons: sends them to others, accepts newer ones, and makes their roots our upstreams
/// (docs/protocol/2-vl1.md 2.8).
/// </summary>
internal sealed class WorldUpdates(
    ControlPlane control,
    PeerTable peers,
    WorldsInUse worldsInUse,
    Upstreams upstreams,
    PathRules rules,
    HelloSender helloSender,
    PeerDirectory directory,
    IdentityLookup lookup,
    RootContact rootContact,
    ILogger log)
{
    private volatile RootServer? _rootServer;

    /// <summary>The services of a root; null when we are not one. Lock-free.</summary>
    public RootServer? RootServer => _rootServer;

    /// <summary>
    /// Uses a moon, or asks its seed for the definition. False when there are <see cref="Vl1Limits.Moons"/> others already.
    /// </summary>
    public bool Orbit(MoonOrbit orbit)
    {
        ArgumentNullException.ThrowIfNull(orbit);
        using (control.Enter())
        {
            var next = WithOrbit(worldsInUse.Current, orbit);
            if (ReferenceEquals(next, worldsInUse.Current))
            {
                return worldsInUse.Current.Moons.ContainsKey(orbit.Id) || worldsInUse.Current.Wanted.ContainsKey(orbit.Id);
            }

            UseWorlds(next);
            if (next.Moons.TryGetValue(orbit.Id, out var moon))
            {
                control.Tell(new Outbox.Notice(NoticeKind.WorldUpdated, World: moon.World));
            }

            if (control.IsRunning)
            {
                GreetNewRoots(control.Now);
            }

            return true;
        }
    }

    /// <summary>Stops using a moon: its roots become ordinary peers. False when it was neither in use nor looked for.</summary>
    public bool Deorbit(ulong moon)
    {
        using (control.Enter())
        {
            if (!worldsInUse.Current.Moons.ContainsKey(moon) && !worldsInUse.Current.Wanted.ContainsKey(moon))
            {
                return false;
            }

            UseWorlds(worldsInUse.Current.Without(moon));
            return true;
        }
    }

    /// <summary>The set with one more moon; the same set when it is full.</summary>
    public static WorldSet WithOrbit(WorldSet worlds, MoonOrbit orbit)
    {
        bool known = worlds.Moons.ContainsKey(orbit.Id) || worlds.Wanted.ContainsKey(orbit.Id);
        return worlds.IsFull && !known ? worlds : orbit.Moon is { } moon ? worlds.With(moon) : worlds.Wanting(orbit.Id, orbit.Seed!.Value);
    }

    /// <summary>
    /// The worlds to send to a node that has announced these revisions in HELLO: the planet if its own is older, and those moons that it
    /// has listed with an older revision, as many as fit into one packet.
    /// </summary>
    public ReadOnlySpan<byte> NewerThan(in WorldVersion planet, ReadOnlySpan<WorldVersion> moons)
    {
        var worlds = worldsInUse.Current;
        List<byte>? bytes = null;
        if (planet.Id == worlds.Planet.Id && planet.Timestamp < worlds.Planet.Timestamp)
        {
            if (moons.IsEmpty)
            {
                return worlds.Planet.World.Bytes;
            }

            (bytes = []).AddRange(worlds.Planet.World.Bytes);
        }

        foreach (var asked in moons)
        {
            if (worlds.Moons.TryGetValue(asked.Id, out var moon) && asked.Timestamp < moon.Timestamp
                && (bytes?.Count ?? 0) + moon.World.Bytes.Length <= OkHelloMessage.MaxWorldsSize)
            {
                (bytes ??= []).AddRange(moon.World.Bytes);
            }
        }

        return bytes?.ToArray();
    }

    /// <summary>
    /// The newer worlds in an answer to HELLO; accepted only from roots, and from the seeds of moons that we look for. Signatures are
    /// verified here, outside the lock; <see cref="Use"/> compares the timestamps again, under the lock.
    /// </summary>
    public List<World> FindUpdates(ReadOnlySpan<byte> bytes, Peer peer)
    {
        var worlds = worldsInUse.Current;
        var found = new List<World>();
        if (!peer.IsUpstream && !worlds.IsSeed(peer.Id))
        {
            return found;
        }

        for (; World.TryRead(bytes, out var candidate, out int length); bytes = bytes[length..])
        {
            if (worlds.Accepts(candidate, peer.Id, peer.IsUpstream))
            {
                found.Add(candidate);
                worlds = worlds.With(candidate);
            }
        }

        return found;
    }

    /// <summary>Puts an accepted world in force, if it is still newer. Under the lock.</summary>
    public void Use(World update, NodeId from)
    {
        var next = worldsInUse.Current.With(update);
        if (ReferenceEquals(next, worldsInUse.Current))
        {
            return;
        }

        UseWorlds(next);
        control.Tell(new Outbox.Notice(NoticeKind.WorldUpdated, World: update));
        if (update.Type == World.PlanetType)
        {
            Vl1Log.PlanetUpdated(log, from, update.Id, update.Timestamp);
        }
        else
        {
            Vl1Log.MoonUpdated(log, from, update.Id, update.Timestamp);
        }

        GreetNewRoots(control.Now);
    }

    /// <summary>
    /// Makes upstreams of all roots of planet and moons; roots that are no longer listed become ordinary peers. Under the lock.
    /// </summary>
    public void UseWorlds(WorldSet worlds)
    {
        long now = control.Now;
        worldsInUse.Use(worlds);
        rules.LoopbackOnly = worlds.Planet.IsLoopbackOnly;
        foreach (var former in upstreams.All)
        {
            former.IsUpstream = false;
            former.IsMoonRoot = false;
            former.RootEndPoints = [];
        }

        upstreams.All.Clear();
        foreach (var (root, ofMoon) in worlds.Roots)
        {
            if (root.Identity.Address == control.Id)
            {
                continue;
            }

            var peer = directory.FindOrRestore(root.Identity.Address);
            if (peer is null)
            {
                if (SessionKeys.Agree(control.Identity, root.Identity) is not { } keys)
                {
                    continue;
                }

                peer = directory.Add(root.Identity, keys, now, mayEvictAnybody: true);
            }

            if (peer is null || !peer.Identity.Equals(root.Identity))
            {
                continue;
            }

            peer.IsUpstream = true;
            peer.IsMoonRoot = ofMoon;
            peer.RootEndPoints = root.EndPoints;
            upstreams.All.Add(peer);
        }

        _rootServer = worldsInUse.IsRoot ? _rootServer ?? new RootServer(control, peers, upstreams, directory) : null;
        upstreams.Choose(now);
    }

    /// <summary>
    /// Sends HELLO, which lists the moons that we look for, to their seeds; called at each ping check until the definitions arrive. Under
    /// the lock.
    /// </summary>
    public void SeekMoons(long now)
    {
        foreach (var seed in worldsInUse.Current.Wanted.Values.Distinct())
        {
            if (seed == control.Id)
            {
                continue;
            }

            if (directory.FindOrRestore(seed) is not { } peer)
            {
                lookup.Whois(seed, now);
            }
            else if (peer.BestPath(now) is { } path)
            {
                helloSender.Send(peer, path.Socket, path.EndPoint);
            }
            else if (upstreams.RelayFor(peer) is { } relay)
            {
                helloSender.Send(peer, relay.Socket, relay.EndPoint);
            }
        }
    }

    private void GreetNewRoots(long now)
    {
        foreach (var root in upstreams.All)
        {
            if (root.Paths.Length == 0 && now - root.LastFullHello >= Vl1Timing.FormerHello)
            {
                rootContact.SendHello(root, now);
            }
        }

        SeekMoons(now);
    }
}
