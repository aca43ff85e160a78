using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// The listeners of this host. Reserves their ports even while no network is up, and records bind results for the health check.
/// Thread-safe.
/// </summary>
internal sealed class ListenerRegistry(IOptions<KestrelServerOptions> kestrel, Random random)
{
    // RFC 6335, 6: dynamic ports.
    private const int FirstEphemeral = 49152;
    private const int LastEphemeral = 65535;

    private readonly Lock _gate = new();
    private readonly List<Listener> _listeners = [];
    private readonly HashSet<ZeroTierEndPoint> _everBound = [];
    private readonly Dictionary<EndPoint, string> _failed = [];
    private string? _missing;
    private long _failedConnections;

    /// <summary>Randomness for port choice and back-off jitter; not cryptographic. Thread-safe.</summary>
    public Random Random => random;

    /// <summary>The listeners that are not unbound.</summary>
    public IReadOnlyList<Listener> Listeners
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners];
            }
        }
    }

    /// <summary>Whether the host's server is one that binds endpoints at all; a test server is not.</summary>
    public bool ServerBindsEndPoints { get; set; }

    /// <summary>Accepted connections that could not be set up and were reset (rule 6.13).</summary>
    public long FailedConnections => Volatile.Read(ref _failedConnections);

    /// <summary>Why a configured endpoint was never bound; null when all were.</summary>
    public string? Missing => Volatile.Read(ref _missing);

    /// <summary>
    /// Why configured endpoints could not be bound. At start such an error ends the host; when the configuration changes at run time,
    /// Kestrel only logs it (rule 5.10).
    /// </summary>
    public IReadOnlyList<string> Failed
    {
        get
        {
            lock (_gate)
            {
                ForgetFailures();
                return [.. _failed.Values];
            }
        }
    }

    /// <summary>Counts a connection that could not be set up.</summary>
    public void CountFailedConnection() => Interlocked.Increment(ref _failedConnections);

    /// <summary>Records the result of a bind.</summary>
    public void Bound(EndPoint endPoint, Exception? error)
    {
        lock (_gate)
        {
            ForgetFailures();
            _failed.Remove(endPoint);
            if (error is not null)
            {
                _failed.Add(endPoint, $"Endpoint {endPoint} could not be bound: {error.Message}");
            }
        }
    }

    /// <summary>Claims the listener's port; chooses one where 0 was asked for.</summary>
    /// <exception cref="AddressInUseException">Another listener of this host has the port, or others have all.</exception>
    public int Add(Listener listener)
    {
        lock (_gate)
        {
            int port = listener.Target.Port;
            if (port == 0)
            {
                port = ChooseFree(listener.Target);
            }
            else if (Taken(listener.Target, port))
            {
                throw new AddressInUseException(
                    $"Port {port} of network {listener.Target.Network} is taken by another endpoint of this application.");
            }

            _listeners.Add(listener);
            _everBound.Add(listener.Target.EndPoint);
            return port;
        }
    }

    /// <summary>Gives the port back.</summary>
    public void Remove(Listener listener)
    {
        lock (_gate)
        {
            _listeners.Remove(listener);
        }
    }

    /// <summary>
    /// Finds, once the server runs, configured endpoints that it never tried to bind (rule 4.7). Null when there are none.
    /// </summary>
    public string? MissingEndPoints(ZeroTierOptions options)
    {
        if (!ServerBindsEndPoints)
        {
            return null;
        }

        List<ZeroTierEndPoint> missing;
        lock (_gate)
        {
            missing = [.. KestrelEndpoints.Configured(options).Where(e => !_everBound.Contains(e))];
        }

        if (missing.Count > 0)
        {
            Volatile.Write(
                ref _missing,
                $"These ZeroTier endpoints were configured but never bound: {string.Join(", ", missing)}. The usual cause is the setting "
                + $"PreferHostingUrls "
                + "(ASPNETCORE_PREFERHOSTINGURLS, UseKestrel(port) of WebApplicationFactory), with which the application's URLs replace "
                + "endpoints: set it to false. Another cause is a transport without IConnectionListenerFactorySelector that was registered "
                + "after UseZeroTier and takes every endpoint.");
        }

        return _missing;
    }

    /// <summary>Of the given endpoints, those that the server has not yet tried to bind.</summary>
    public IReadOnlyList<ZeroTierEndPoint> NotAskedFor(IEnumerable<ZeroTierEndPoint> endPoints)
    {
        lock (_gate)
        {
            HashSet<EndPoint> known = [.. _failed.Keys, .. _listeners.Select(listener => listener.Target.EndPoint)];
            return [.. endPoints.Where(endPoint => !known.Contains(endPoint))];
        }
    }

    /// <summary>Removes failures of endpoints that the configuration no longer contains.</summary>
    private void ForgetFailures()
    {
        if (_failed.Count == 0)
        {
            return;
        }

        // By port: one configured endpoint may stand for an address of each family.
        EndPoint[] configured = [.. EndpointRules.ConfiguredEndPoints(kestrel.Value)];
        var ports = configured.OfType<IPEndPoint>().Select(e => e.Port).ToHashSet();
        foreach (var endPoint in _failed.Keys.Where(e => e is IPEndPoint ip ? !ports.Contains(ip.Port) : !configured.Contains(e)).ToArray())
        {
            _failed.Remove(endPoint);
        }
    }

    /// <summary>
    /// Chooses a free port: from the dynamic range if the network allows it, else from the range that an ad-hoc network permits.
    /// </summary>
    private int ChooseFree(ListenTarget target)
    {
        (int first, int last) = target.Network.AdHocPorts is var (low, high) ? (low, high) : (FirstEphemeral, LastEphemeral);
        first = last >= FirstEphemeral ? Math.Max(first, FirstEphemeral) : Math.Max(first, 1);
        int count = Math.Max(0, last - first + 1);
        int start = random.Next(count);
        for (int i = 0; i < count; i++)
        {
            int port = first + ((start + i) % count);
            if (!Taken(target, port))
            {
                return port;
            }
        }

        throw new AddressInUseException(
            $"Every port of network {target.Network}, {first} to {last}, is taken by other endpoints of this application.");
    }

    private bool Taken(ListenTarget target, int port) => _listeners.Any(other => other.Target.Overlaps(target, other.Port, port));
}
