using System.Net;
using ZeroTier.Managed;
using ZeroTier.Simulation;

namespace ZeroTier.Controller.Tests.Simulation;

/// <summary>
/// One run: members of a private network are let in and put out, its settings and their addresses change, all of it over links with up to
/// 30 % loss, through partitions, while clocks are set. Then the links are good again, and what the controller says must hold.
/// </summary>
internal sealed class NetworkChaos
{
    private const int Members = 5;
    private const int Steps = 15;

    private static readonly TimeSpan MaxClockStep = TimeSpan.FromHours(3);

    private readonly ulong _seed;
    private readonly ControllerWorld _world;
    private readonly SeededRandom _random;
    private readonly bool[] _isIn = new bool[Members];
    private int _addresses = 1;
    private int _names;

    public NetworkChaos(ulong seed)
    {
        _seed = seed;
        _world = new ControllerWorld(seed, Members);
        _random = new SeededRandom(seed);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Run() => _world.Run(async () =>
    {
        for (int i = 0; i < Steps; i++)
        {
            await StepAsync();
            await _world.Delay(TimeSpan.FromSeconds(30 * _random.NextDouble()));
        }

        _world.Physical.Heal();
        _world.Physical.DefaultLink = VirtualLink.Perfect;

        // A member asks at least once in a minute, or in ten while it was refused.
        await _world.Delay(TimeSpan.FromMinutes(11));
        await CheckAsync();
    });

    private Task StepAsync()
    {
        int member = Pick(Members);
        switch (Pick(7))
        {
            case 0:
                _world.Physical.DefaultLink = new VirtualLink { Loss = 0.3 * _random.NextDouble(), Jitter = TimeSpan.FromMilliseconds(20) };
                return Task.CompletedTask;
            case 1:
                _world.Physical.PartitionFor(
                    TimeSpan.FromSeconds(60 * _random.NextDouble()), [_world.HostOf(_world.Members[member])], [.. Others(member)]);
                return Task.CompletedTask;
            case 2:
                _world.StepClock(_world.Members[member], RandomStep());
                return Task.CompletedTask;
            case 3:
                _world.StepClock(_world.ControllerNode, RandomStep());
                return Task.CompletedTask;
            case 4:
                return _world.ChangeAsync(n => n with { Name = $"name {++_names}" });
            case 5 when _isIn[member]:
                var address = IPAddress.Parse(
                    string.Create(System.Globalization.CultureInfo.InvariantCulture, $"10.147.20.{100 + _addresses++}"));
                return _world.Controller.UpdateMemberAsync(
                    _world.Network.Id, _world.Members[member].Id, m => m with { Addresses = [address] }, null, new Actor("admin"), Token);
            default:
                // Mostly in.
                _isIn[member] = _random.Chance(0.75);
                return _world.AuthorizeAsync(_world.Members[member], _isIn[member]);
        }
    }

    private async Task CheckAsync()
    {
        string name = _world.Controller.FindNetwork(_world.Network.Id)!.Name;
        foreach (var (i, from) in _world.Members.Index())
        {
            ZeroTierNetwork seen = from.Networks.Single();
            Assert.True(
                _isIn[i] == (seen.Status == ZeroTierNetworkStatus.Ok), $"Seed {_seed}: member {i} is {seen.Status}, in: {_isIn[i]}.");
            if (!_isIn[i])
            {
                continue;
            }

            Assert.Equal(name, seen.Name);
            Assert.Equal(_world.Controller.FindMember(_world.Network.Id, from.Id)!.Member.Addresses, seen.Addresses.Select(a => a.Address));
            foreach (var (j, to) in _world.Members.Index().Where(m => m.Index != i && _isIn[m.Index]))
            {
                try
                {
                    await from.PingAsync(_world.Network.Id, _world.IPv4Of(to), TimeSpan.FromSeconds(10), Token);
                }
                catch (ZeroTierException e)
                {
                    Assert.Fail($"Seed {_seed}: member {i} ({Describe(from)}) does not reach {j} ({Describe(to)}): {e.Message}");
                }
            }
        }
    }

    private static string Describe(ManagedNode node) => string.Join(' ', node.Networks.Single().Addresses);

    private IEnumerable<VirtualHost> Others(int member) =>
        _world.Members.Where((_, i) => i != member).Append(_world.Root).Append(_world.ControllerNode).Select(_world.HostOf);

    private TimeSpan RandomStep() => MaxClockStep * ((2 * _random.NextDouble()) - 1);

    private int Pick(int count) => (int)(_random.NextDouble() * count);
}
