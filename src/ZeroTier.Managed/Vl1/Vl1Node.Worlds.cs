using ZeroTier.Managed.Vl1.Roots;
using ZeroTier.Managed.Vl1.RootService;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1;

/// <content>Planet and moons: handing them out, taking newer ones, and the roots that follow (docs/protocol/2-vl1.md 2.8).</content>
internal sealed partial class Vl1Node
{
    /// <summary>Uses a moon, or looks for it. False when there are <see cref="Vl1Limits.Moons"/> others already.</summary>
    public bool Orbit(MoonOrbit orbit)
    {
        ArgumentNullException.ThrowIfNull(orbit);
        using (_control.Enter())
        {
            var next = WithOrbit(_worlds, orbit);
            if (ReferenceEquals(next, _worlds))
            {
                return _worlds.Moons.ContainsKey(orbit.Id) || _worlds.Wanted.ContainsKey(orbit.Id);
            }

            UseWorlds(next);
            if (next.Moons.TryGetValue(orbit.Id, out var moon))
            {
                _control.Tell(new Outbox.Notice(NoticeKind.WorldUpdated, World: moon.World));
            }

            if (_control.IsRunning)
            {
                GreetNewRoots(Now);
            }

            return true;
        }
    }

    /// <summary>Uses a moon no more: its roots become ordinary peers. False when it was neither used nor looked for.</summary>
    public bool Deorbit(ulong moon)
    {
        using (_control.Enter())
        {
            if (!_worlds.Moons.ContainsKey(moon) && !_worlds.Wanted.ContainsKey(moon))
            {
                return false;
            }

            UseWorlds(_worlds.Without(moon));
            return true;
        }
    }

    private static WorldSet WithOrbit(WorldSet worlds, MoonOrbit orbit)
    {
        bool known = worlds.Moons.ContainsKey(orbit.Id) || worlds.Wanted.ContainsKey(orbit.Id);
        return worlds.IsFull && !known ? worlds : orbit.Moon is { } moon ? worlds.With(moon) : worlds.Wanting(orbit.Id, orbit.Seed!.Value);
    }

    // The planet, if the other side has an older one, and those moons of which it has listed an older revision; as many as one packet carries.
    private ReadOnlySpan<byte> WorldsNewerThan(in WorldVersion planet, ReadOnlySpan<WorldVersion> moons)
    {
        var worlds = _worlds;
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

    // Only of roots, and of the seeds of moons that we want. The signatures are verified outside the lock; under the lock the timestamps are compared again.
    private List<World> FindUpdates(ReadOnlySpan<byte> bytes, Peer peer)
    {
        var worlds = _worlds;
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

    private void UseUpdate(World update, NodeId from)
    {
        var next = _worlds.With(update);
        if (ReferenceEquals(next, _worlds))
        {
            return;
        }

        UseWorlds(next);
        _control.Tell(new Outbox.Notice(NoticeKind.WorldUpdated, World: update));
        if (update.Type == World.PlanetType)
        {
            Vl1Log.PlanetUpdated(_log, from, update.Id, update.Timestamp);
        }
        else
        {
            Vl1Log.MoonUpdated(_log, from, update.Id, update.Timestamp);
        }

        GreetNewRoots(Now);
    }

    // Makes the roots of planet and moons our upstreams; those of former ones become ordinary peers.
    private void UseWorlds(WorldSet worlds)
    {
        long now = Now;
        _worlds = worlds;
        _loopbackOnly = worlds.Planet.IsLoopbackOnly;
        foreach (var former in _upstreams.All)
        {
            former.IsUpstream = false;
            former.IsMoonRoot = false;
            former.RootEndPoints = [];
        }

        _upstreams.All.Clear();
        bool isRoot = false;
        foreach (var (root, ofMoon) in worlds.Roots)
        {
            if (root.Identity.Address == Id)
            {
                isRoot |= root.Identity.Equals(Identity);
                continue;
            }

            var peer = FindOrRestore(root.Identity.Address);
            if (peer is null)
            {
                if (SessionKeys.Agree(Identity, root.Identity) is not { } keys)
                {
                    continue;
                }

                peer = AddPeer(root.Identity, keys, now, mayEvictAnybody: true);
            }

            if (peer is null || !peer.Identity.Equals(root.Identity))
            {
                continue;
            }

            peer.IsUpstream = true;
            peer.IsMoonRoot = ofMoon;
            peer.RootEndPoints = root.EndPoints;
            _upstreams.All.Add(peer);
        }

        _rootServer = isRoot ? _rootServer ?? new RootServer(_control, _peers, this) : null;
        _upstreams.Choose(now);
    }

    private void GreetNewRoots(long now)
    {
        foreach (var root in _upstreams.All)
        {
            if (root.Paths.Length == 0 && now - root.LastFullHello >= Vl1Timing.FormerHello)
            {
                SendHelloToRoot(root, now);
            }
        }

        SeekMoons(now);
    }

    // The seeds of moons without a definition are asked at each ping check until they answer: HELLO names what is wanted.
    private void SeekMoons(long now)
    {
        foreach (var seed in _worlds.Wanted.Values.Distinct())
        {
            if (seed == Id)
            {
                continue;
            }

            if (FindOrRestore(seed) is not { } peer)
            {
                Whois(seed, now);
            }
            else if (peer.BestPath(now) is { } path)
            {
                SendHello(peer, path.Socket, path.EndPoint);
            }
            else if (_upstreams.RelayFor(peer) is { } relay)
            {
                SendHello(peer, relay.Socket, relay.EndPoint);
            }
        }
    }
}
