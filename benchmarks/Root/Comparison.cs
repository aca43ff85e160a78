using System.Globalization;
using System.Net;
using EndToEnd;
using EndToEnd.Results;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed;
using ZeroTier.Managed.Node;
using ZeroTier.Managed.Vl1.Packets;
using ZeroTier.Managed.Vl1.Peers;
using ZeroTier.SelfHosting;

namespace Root;

/// <summary>Offers each load to the root and to the loop in turn, and prints a row for each.</summary>
internal sealed class Comparison
{
    // A root drops the path of a client that is silent for 243 s.
    private static readonly TimeSpan GreetingInterval = TimeSpan.FromSeconds(60);

    // Vl1Timing.PingCheck: nodes send their root a keepalive this often.
    private static readonly TimeSpan EchoInterval = TimeSpan.FromSeconds(5);
    private readonly Options _options;
    private readonly ClientSwarm _swarm;
    private readonly RoleProcess _root;
    private readonly RoleProcess _loop;
    private readonly IPEndPoint _rootPlace;
    private readonly IPEndPoint _loopPlace;
    private DateTime _greeted;

    private Comparison(Options options, ClientSwarm swarm, RoleProcess root, RoleProcess loop, IPEndPoint rootPlace)
    {
        _options = options;
        _swarm = swarm;
        _root = root;
        _loop = loop;
        _rootPlace = rootPlace;
        _loopPlace = IPEndPoint.Parse(loop.Ready);
    }

    public static async Task RunAsync(Options options)
    {
        string folder = Directory.CreateTempSubdirectory("zt-root-").FullName;
        try
        {
            var place = new IPEndPoint(IPAddress.Loopback, FreePort.Udp(IPAddress.Loopback));
            var planet = await PrivateRoot.CreatePlanetAsync(new PrivateRootOptions { StoragePath = folder, EndPoints = [place] });
            Client[] clients = [.. Enumerable.Range(0, 2 * options.Pairs.Max()).Select(i => new Client(i, planet.Roots[0].Identity))];

            // The root has the clients in its peer cache, as after a restart: their identities have no proof of work.
            new PeerFiles(folder, TimeProvider.System, NullLogger.Instance).Save(
                [.. clients.Select(client => new KnownPeer(client.Identity, PeerVersion.Ours, []))]);
            await using var root = await RoleProcess.StartAsync([], ["--root", folder, place.ToString()]);
            await using var loop = await RoleProcess.StartAsync([], ["--loop"]);
            using var swarm = new ClientSwarm(clients, planet, options.Window);
            var comparison = new Comparison(options, swarm, root, loop, place);
            await comparison.RunAsync();
            await loop.StopAsync();
            await root.StopAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunAsync()
    {
        Console.WriteLine(
            "| load | pairs | 1/s | MB/s | lost | CPU s/GB | CPU s/million | B allocated each | loop: 1/s | lost | CPU s/million "
            + "| 1/s to loop | CPU to loop |");
        Console.WriteLine($"| --- |{string.Concat(Enumerable.Repeat(" ---: |", 12))}");
        foreach (string name in _options.Loads)
        {
            foreach (int pairs in _options.Pairs)
            {
                await CompareAsync(Load.Kinds[name](_swarm, pairs));
            }
        }

        await KeepAliveAsync();
        Console.WriteLine($"The root has dropped {await _root.AskAsync("dropped")} packets.");
    }

    // What clients cost that do nothing.
    private async Task KeepAliveAsync()
    {
        int pairs = _options.Pairs.Max();
        _swarm.Greet();
        var processor = _root.CpuTime;
        var carried = await _swarm.OfferEvenlyAsync(Load.Keepalives(_swarm, pairs), EchoInterval, 5 * _options.Duration);
        double share = (_root.CpuTime - processor) / carried.Time;
        double memory = await _root.ResidentBytesAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{2 * pairs} idle clients, each with an ECHO every {EchoInterval.TotalSeconds} s: {100 * share:0.0} % of a core, "
            + $"{carried.LostPercent:0.00} % lost, {memory / (1 << 20):0} MiB resident."));
    }

    private async Task CompareAsync(Load load)
    {
        Greet();
        if (load.AnswerLength == 0)
        {
            _swarm.Check(load);
        }

        var root = new List<Carried>();
        var loop = new List<Carried>();
        for (int round = 0; round < _options.Rounds; round++)
        {
            Greet();
            root.Add(await MeasureAsync(load, _root, _rootPlace));
            loop.Add(await MeasureAsync(load, _loop, _loopPlace));
        }

        Func<Carried, double>[] ofRoot =
        [
            c => c.PerSecond, c => c.MegabytesPerSecond, c => c.LostPercent, c => c.ProcessorPerGigabyte, c => c.ProcessorPerMillion,
            c => c.AllocatedEach,
        ];
        Func<Carried, double>[] ofLoop = [c => c.PerSecond, c => c.LostPercent, c => c.ProcessorPerMillion];
        double[] figures =
        [
            .. ofRoot.Select(figure => Median(root, figure)),
            .. ofLoop.Select(figure => Median(loop, figure)),
            Median(root, c => c.PerSecond) / Median(loop, c => c.PerSecond),
            Median(root, c => c.ProcessorPerMillion) / Median(loop, c => c.ProcessorPerMillion),
        ];
        Console.WriteLine($"| {load.Name} | {load.Pairs} | {string.Join(" | ", figures.Select(figure => Number.Of(figure)))} |");
    }

    private async Task<Carried> MeasureAsync(Load load, RoleProcess process, IPEndPoint place)
    {
        _swarm.Offer(load, place, _options.Duration / 5);
        bool isRoot = process == _root;
        long allocated = isRoot ? await process.AskAsync("allocated") : 0;
        var processor = process.CpuTime;
        var carried = _swarm.Offer(load, place, _options.Duration);
        carried.Processor = process.CpuTime - processor;
        carried.Allocated = isRoot ? await process.AskAsync("allocated") - allocated : 0;
        return carried;
    }

    private void Greet()
    {
        if (DateTime.UtcNow - _greeted >= GreetingInterval)
        {
            _swarm.Greet();
            _greeted = DateTime.UtcNow;
        }
    }

    private static double Median(List<Carried> rounds, Func<Carried, double> figure) => Statistics.Median([.. rounds.Select(figure)]);
}
