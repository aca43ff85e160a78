using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting;

/// <summary>
/// A ZeroTier network for the processes of one user on one machine, without any set-up: one of the processes runs a private root on
/// loopback UDP. Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// All processes of a user find each other through a folder (<see cref="DevelopmentNetworkOptions.Path"/>). The first process creates the
/// root's identity and planet and runs the root. The others check periodically whether the role is free; when the root's process exits or
/// crashes, one of them takes over with the same identity on the same port, within about a second. Connections between nodes that already
/// know each other are not interrupted.
/// </para>
/// <para>Nothing is sent to addresses other than 127.0.0.0/8 and ::1. Any process of the same user can join. Other users cannot read the
/// folder, but can send packets to the loopback ports.</para>
/// </remarks>
public sealed class DevelopmentNetwork : IAsyncDisposable
{
    private const string MembersFolderName = "members";
    private const string NamesFolderName = "names";
    private const int MaxMembers = 1024;
    private static readonly TimeSpan PlanetPoll = TimeSpan.FromMilliseconds(10);

    // Generating an identity takes up to a second on a slow machine.
    private static readonly TimeSpan PlanetPatience = TimeSpan.FromSeconds(30);

    private readonly DevelopmentNetworkOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private readonly DevelopmentNames _names;
    private Task _takeOver = Task.CompletedTask;
    private DevelopmentRoot? _root;
    private volatile Planet? _planet;
    private bool _closed;

    private DevelopmentNetwork(DevelopmentNetworkOptions options)
    {
        _options = options;
        _log = NonThrowingLogger.Create(options.LoggerFactory, "ZeroTier.SelfHosting");
        _names = new DevelopmentNames(System.IO.Path.Combine(options.Path, NamesFolderName));
        _timer = options.TimeProvider.CreateTimer(
            static state => ((DevelopmentNetwork)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The network that members join: an ad-hoc network with all ports open and 6PLANE addresses.</summary>
    public static NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    /// <summary>The planet that all members use.</summary>
    public Planet Planet => _planet!;

    /// <summary>The folder that the processes of the network share.</summary>
    public string Path => _options.Path;

    /// <summary>Whether this object runs the root now.</summary>
    public bool IsRoot => Volatile.Read(ref _root) is not null;

    /// <summary>Joins the user's development network; creates it if missing.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The folder cannot be used, its files are damaged, or no loopback port can be opened.</exception>
    public static Task<DevelopmentNetwork> OpenAsync(CancellationToken cancellationToken = default) =>
        OpenAsync(new DevelopmentNetworkOptions(), cancellationToken);

    /// <summary>Joins a development network; creates it if missing.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is out of its range.</exception>
    /// <exception cref="ZeroTierException">The folder cannot be used, its files are damaged, or no loopback port can be opened.</exception>
    public static Task<DevelopmentNetwork> OpenAsync(DevelopmentNetworkOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Path);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TakeOverInterval, TimeSpan.FromMilliseconds(10));
        return OpenCoreAsync(options, cancellationToken);
    }

    private static async Task<DevelopmentNetwork> OpenCoreAsync(DevelopmentNetworkOptions options, CancellationToken cancellationToken)
    {
        PrivateFolder.Create(options.Path);
        var network = new DevelopmentNetwork(options);
        try
        {
            await network.FindOrMakeAsync(cancellationToken).ConfigureAwait(false);
            return network;
        }
        catch
        {
            await network.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Completes the options of a node so that it becomes a member: sets the planet, the transport and the lookup of announced names, and
    /// joins <see cref="Network"/> if the options have no network.
    /// </summary>
    /// <param name="options">The node's other options. Its bind addresses are not used.</param>
    public ManagedNodeOptions Configure(ManagedNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with
        {
            Planet = Planet,
            BindAddresses = [],
            DatagramTransportFactory = options.DatagramTransportFactory is { } open
                ? () => new LoopbackTransport(open())
                : () => DevelopmentRoot.OpenLoopback(_options, options.Port),
            Networks = options.Networks.Count > 0 ? options.Networks : [Network],
            FindHost = options.FindHost is { } find ? host => find(host) ?? _names.Find(host) : _names.Find,
        };
    }

    /// <summary>
    /// Announces a name for a member, so that other members can call it as <c>http://orders:8080</c> or <c>http://orders.zt:8080</c>. The
    /// first process to claim a name holds it until it releases it or ends.
    /// </summary>
    /// <param name="name">
    /// Usually the program's name. It is converted to a host name label: lower case, other characters replaced by hyphens, cut to 63
    /// characters.
    /// </param>
    /// <param name="node">The member.</param>
    /// <param name="network">The network on which it is reached.</param>
    /// <returns>The name; dispose it to release the name. Null when another process holds it, or when the conversion leaves nothing, a node
    /// ID, or <c>localhost</c>.</returns>
    /// <exception cref="ZeroTierException">The folder cannot be used, or already has 1,024 names.</exception>
    public DevelopmentName? AnnounceName(string name, NodeId node, NetworkId network)
    {
        ArgumentNullException.ThrowIfNull(name);
        return DevelopmentNames.Label(name) is { } label ? _names.Announce(label, node, network) : null;
    }

    /// <summary>
    /// Claims a storage folder for a member: the first folder of this name that no other process uses. Thus a program has the same node ID
    /// in each run, and several instances that run at the same time have different ones.
    /// </summary>
    /// <param name="name">The program's name; dots and characters that are not valid in a file name are replaced by underscores.</param>
    /// <returns>The claim; dispose it after the node.</returns>
    /// <exception cref="ZeroTierException">The folder cannot be used, or 1,024 folders of this name are in use.</exception>
    public DevelopmentStorage ClaimStorage(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var invalid = System.IO.Path.GetInvalidFileNameChars();
        string plain = string.Concat(name.Select(c => invalid.Contains(c) || c is '.' or '\\' ? '_' : c));
        string members = System.IO.Path.Combine(_options.Path, MembersFolderName);
        PrivateFolder.Create(members);
        try
        {
            for (int i = 1; i <= MaxMembers; i++)
            {
                string folder = System.IO.Path.Combine(members, i == 1 ? plain : $"{plain}-{i}");
                if (PrivateFolder.TryLock(folder + ".lock") is { } claim)
                {
                    return new DevelopmentStorage(folder, claim);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(ZeroTierError.Storage, $"The folder '{members}' cannot be used: {e.Message}", e);
        }

        throw new ZeroTierException(
            ZeroTierError.Storage, $"More than {MaxMembers} processes named '{name}' use the development network in '{_options.Path}'.");
    }

    /// <summary>Leaves the network. If this object runs the root, another process takes over. Dispose the nodes first.</summary>
    public async ValueTask DisposeAsync()
    {
        Task takeOver;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            takeOver = _takeOver;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await takeOver.ConfigureAwait(false);
        if (_root is { } root)
        {
            Volatile.Write(ref _root, null);
            await root.DisposeAsync().ConfigureAwait(false);
        }

        _closing.Dispose();
    }

    private async Task FindOrMakeAsync(CancellationToken cancellationToken)
    {
        long start = _options.TimeProvider.GetTimestamp();
        while (true)
        {
            if (await DevelopmentRoot.TryStartAsync(_options, _log, cancellationToken).ConfigureAwait(false) is { } root)
            {
                _planet = root.Planet;
                Volatile.Write(ref _root, root);
                return;
            }

            // Another process runs the root or is starting it.
            if (TryLoadPlanet() is { } planet)
            {
                _planet = planet;
                SelfHostingLog.Joined(_log, _options.Path);
                StartTimer();
                return;
            }

            if (_options.TimeProvider.GetElapsedTime(start) > PlanetPatience)
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage,
                    $"Another process holds the development network in '{_options.Path}' but has not written its planet. End that process, "
                    + "or remove the folder.");
            }

            await Task.Delay(PlanetPoll, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    private Planet? TryLoadPlanet()
    {
        try
        {
            var planet = Planet.Load(DevelopmentRoot.PlanetPath(_options));
            return planet.Verify() && planet.IsLoopbackOnly ? planet : null;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void StartTimer()
    {
        // Jitter, so that the waiting processes do not all try at the same time.
        long ticks = _options.TakeOverInterval.Ticks;
        int jitter = _options.RandomSource.Next((int)Math.Min(int.MaxValue, ticks / 2 + 1));
        lock (_gate)
        {
            if (!_closed)
            {
                _timer.Change(TimeSpan.FromTicks(ticks + jitter), Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _takeOver = TakeOverAsync();
            }
        }
    }

    // Never throws, because DisposeAsync awaits it.
    private async Task TakeOverAsync()
    {
        // Leaves the caller's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (await DevelopmentRoot.TryStartAsync(_options, _log, _closing.Token).ConfigureAwait(false) is { } root)
            {
                _planet = root.Planet;
                Volatile.Write(ref _root, root);
                return;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception e)
        {
            SelfHostingLog.NotRoot(_log, _options.Path, e);
        }

        StartTimer();
    }
}
