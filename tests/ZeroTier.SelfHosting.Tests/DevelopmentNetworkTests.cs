using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed;
using ZeroTier.TestSupport;

namespace ZeroTier.SelfHosting.Tests;

public sealed class DevelopmentNetworkTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestFolder _folder = new TestFolder().WithRootIdentity();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task First_use_makes_a_root_and_closes_the_folder_to_others()
    {
        using var empty = new TestFolder();
        await using var network = await DevelopmentNetwork.OpenAsync(new DevelopmentNetworkOptions { Path = empty["dev"] }, Cancel);
        Assert.True(network.IsRoot);
        Assert.True(network.Planet.Verify());
        var root = Assert.Single(network.Planet.Roots);
        Assert.Contains(root.EndPoints, e => e.ToIPEndPoint().Address.Equals(IPAddress.Loopback));
        Assert.All(root.EndPoints, e => Assert.True(IPAddress.IsLoopback(e.ToIPEndPoint().Address)));
        Assert.Equal(network.Planet.ToBytes(), await File.ReadAllBytesAsync(empty["dev", "planet"], Cancel));
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
                | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(empty["dev"]) & Others);
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(empty["dev", "root", "identity.secret"]) & Others);
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(empty["dev", "root", "planet.secret"]) & Others);
        }
    }

    [Fact]
    public async Task Existing_folder_of_others_is_closed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        File.SetUnixFileMode(_folder["dev"], File.GetUnixFileMode(_folder["dev"]) | UnixFileMode.OtherRead | UnixFileMode.GroupExecute);
        await using var network = await OpenAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["dev"]));
    }

    [Fact]
    public async Task Members_of_different_processes_reach_each_other()
    {
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        Assert.True(first.IsRoot);
        Assert.False(second.IsRoot);
        Assert.Equal(first.Planet.ToBytes(), second.Planet.ToBytes());

        await using var a = await StartMemberAsync(first, 1);
        await using var b = await StartMemberAsync(second, 2);
        await PingAsync(a, b);
        await PingAsync(b, a);
    }

    [Fact]
    public async Task Role_of_the_root_passes_on_when_its_process_ends()
    {
        var first = await OpenAsync();
        await using var second = await OpenAsync();
        await using var a = await StartMemberAsync(second, 1);
        await first.DisposeAsync();
        var time = Stopwatch.StartNew();
        while (!second.IsRoot)
        {
            Assert.True(time.Elapsed < Limit);
            await Task.Delay(10, Cancel);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"Role taken over after {time.ElapsedMilliseconds} ms.");
        Assert.Equal(first.Planet.ToBytes(), second.Planet.ToBytes());

        // A process that comes later finds the others through the new root.
        await using var third = await OpenAsync();
        Assert.False(third.IsRoot);
        await using var b = await StartMemberAsync(third, 2);
        await PingAsync(b, a);
        TestContext.Current.TestOutputHelper?.WriteLine($"Members reached each other after {time.ElapsedMilliseconds} ms.");
    }

    [Fact]
    public async Task Role_is_taken_by_exactly_one_of_many()
    {
        var first = await OpenAsync();
        var others = new List<DevelopmentNetwork>();
        for (int i = 0; i < 8; i++)
        {
            others.Add(await OpenAsync());
        }

        await first.DisposeAsync();
        var time = Stopwatch.StartNew();
        while (!others.Exists(n => n.IsRoot))
        {
            Assert.True(time.Elapsed < Limit);
            await Task.Delay(10, Cancel);
        }

        await Task.Delay(300, Cancel);
        Assert.Single(others, n => n.IsRoot);
        foreach (var other in others)
        {
            await other.DisposeAsync();
        }
    }

    [Fact]
    public async Task Processes_that_start_together_agree()
    {
        var opening = Enumerable.Range(0, 6).Select(_ => Task.Run(OpenAsync, Cancel)).ToList();
        var networks = await Task.WhenAll(opening).WaitAsync(Limit, Cancel);
        Assert.Single(networks, n => n.IsRoot);
        Assert.Single(networks.Select(n => Convert.ToHexString(n.Planet.ToBytes())).Distinct());
        foreach (var network in networks)
        {
            await network.DisposeAsync();
        }
    }

    [Fact]
    public async Task Planet_stays_the_same_from_run_to_run()
    {
        byte[] before;
        await using (var network = await OpenAsync())
        {
            before = network.Planet.ToBytes();
        }

        await using var again = await OpenAsync();
        Assert.True(again.IsRoot);
        Assert.Equal(before, again.Planet.ToBytes());
    }

    [Fact]
    public async Task Root_moves_when_its_port_is_taken()
    {
        Planet before;
        await using (var network = await OpenAsync())
        {
            before = network.Planet;
        }

        using var squatter = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        squatter.Bind(new IPEndPoint(IPAddress.Loopback, before.Roots[0].EndPoints[0].Port));
        await using var again = await OpenAsync();
        Assert.True(again.Planet.CanReplace(before));
        Assert.NotEqual(before.Roots[0].EndPoints[0].Port, again.Planet.Roots[0].EndPoints[0].Port);
        await using var a = await StartMemberAsync(again, 1);
    }

    [Theory]
    [InlineData("planet")]
    [InlineData("root/planet.secret")]
    [InlineData("root/identity.secret")]
    public async Task Damaged_files_are_replaced_only_where_nothing_is_lost(string name)
    {
        await (await OpenAsync()).DisposeAsync();
        string file = _folder[["dev", .. name.Split('/')]];
        await File.WriteAllTextAsync(file, "damaged", Cancel);
        if (name == "planet")
        {
            await using var network = await OpenAsync();
            Assert.True(network.Planet.Verify());
            return;
        }

        var error = await Assert.ThrowsAsync<ZeroTierException>(OpenAsync);
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Equal("damaged", await File.ReadAllTextAsync(file, Cancel));
    }

    [Fact]
    public async Task Nothing_is_sent_beyond_loopback()
    {
        await using var network = await DevelopmentNetwork.OpenAsync(
            new DevelopmentNetworkOptions { Path = _folder["dev"], OpenTransport = static port => new RecordingTransport(port) }, Cancel);
        await using var a = await StartMemberAsync(network, 1);
        await using var b = await StartMemberAsync(network, 2);
        await PingAsync(a, b);

        // Nodes tell each other their addresses some time after the first contact.
        await Task.Delay(1500, Cancel);
        Assert.NotEmpty(RecordingTransport.Destinations);
        Assert.All(RecordingTransport.Destinations, e => Assert.True(IPAddress.IsLoopback(e.ToIPEndPoint().Address), e.ToString()));
        Assert.All(OwnUdpSockets(), e => Assert.True(IPAddress.IsLoopback(e), e.ToString()));
        if (OperatingSystem.IsLinux())
        {
            Assert.NotEmpty(OwnUdpSockets());
        }
    }

    [Fact]
    public async Task Transport_refuses_destinations_beyond_loopback()
    {
        int before = RecordingTransport.Destinations.Count(e => e.Port == 4711);
        await using var transport = new LoopbackTransport(new RecordingTransport(0));
        foreach (string address in new[] { "192.0.2.1", "128.0.0.1", "126.255.255.255", "2001:db8::1", "::2", "::", "fe80::1", "0.0.0.0" })
        {
            transport.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.Parse(address), 4711)), [1], 1);
            transport.SendWithHopLimit(0, InetEndPoint.From(new IPEndPoint(IPAddress.Parse(address), 4711)), [1], 2);
        }

        Assert.Equal(16, transport.Refused);
        transport.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.Parse("127.9.9.9"), 4711)), [1], 1);
        transport.Send(0, InetEndPoint.From(new IPEndPoint(IPAddress.IPv6Loopback, 4711)), [1], 1);
        Assert.Equal(16, transport.Refused);
        Assert.Equal(before + 2, RecordingTransport.Destinations.Count(e => e.Port == 4711));
    }

    [Fact]
    public async Task Planet_with_a_root_elsewhere_is_not_used()
    {
        await using var first = await OpenAsync();
        await File.WriteAllBytesAsync(_folder["dev", "planet"], Planet.Earth.ToBytes(), Cancel);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        impatient.CancelAfter(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => DevelopmentNetwork.OpenAsync(new DevelopmentNetworkOptions { Path = _folder["dev"] }, impatient.Token));
    }

    [Fact]
    public async Task Storage_of_a_name_is_kept_and_shared_out()
    {
        await using var network = await OpenAsync();
        string first;
        using (var a = network.ClaimStorage("My.App"))
        {
            first = a.Path;
            using var b = network.ClaimStorage("My.App");
            Assert.NotEqual(a.Path, b.Path);
        }

        using var again = network.ClaimStorage("My.App");
        Assert.Equal(first, again.Path);
        using var evil = network.ClaimStorage("../../etc");
        Assert.Equal(_folder["dev", "members"], Path.GetDirectoryName(evil.Path));
    }

    [Fact]
    public async Task Existing_identity_is_online_fast()
    {
        await (await OpenAsync()).DisposeAsync();
        var time = Stopwatch.StartNew();
        await using var network = await OpenAsync();
        long opened = time.ElapsedMilliseconds;
        await using var node = await StartMemberAsync(network, 1);

        // Reported, not judged.
        TestContext.Current.TestOutputHelper?.WriteLine($"Root runs after {opened} ms, member online after {time.ElapsedMilliseconds} ms.");
    }

    private Task<DevelopmentNetwork> OpenAsync() => DevelopmentNetwork.OpenAsync(
        new DevelopmentNetworkOptions { Path = _folder["dev"], TakeOverInterval = TimeSpan.FromMilliseconds(50) }, Cancel);

    private static async Task<ManagedNode> StartMemberAsync(DevelopmentNetwork network, int identity)
    {
        var node = new ManagedNode(network.Configure(new ManagedNodeOptions { Identity = TestIdentities.Get(identity) }));
        await node.StartAsync(Cancel);
        await node.WaitForOnlineAsync(Cancel).WaitAsync(Limit, Cancel);
        await node.WaitForNetworkAsync(DevelopmentNetwork.Network, Cancel).WaitAsync(Limit, Cancel);
        return node;
    }

    private static async Task PingAsync(ManagedNode from, ManagedNode to)
    {
        var address = DevelopmentNetwork.Network.GetSixPlaneAddress(to.Id);
        for (int attempt = 1; ; attempt++)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(2));
            try
            {
                await from.PingAsync(DevelopmentNetwork.Network, address, cancellationToken: limit.Token);
                return;
            }
            catch (OperationCanceledException) when (attempt < 15 && !Cancel.IsCancellationRequested)
            {
            }
        }
    }

    // The UDP sockets of this process, from the kernel's table.
    private static IEnumerable<IPAddress> OwnUdpSockets() =>
        ProcessSockets.Of("udp").Concat(ProcessSockets.Of("udp6")).Select(fields => AddressOf(fields[1].Split(':')[0]));

    // Words of 32 bits, each in the machine's byte order.
    private static IPAddress AddressOf(string hex) => new(
        [
            .. hex.Chunk(8).SelectMany(
                word => BitConverter.GetBytes(uint.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture))),
        ]);
}
