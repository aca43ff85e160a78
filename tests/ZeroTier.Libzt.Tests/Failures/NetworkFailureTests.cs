namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Networks that change their mind, or are left and joined again.</summary>
public sealed class NetworkFailureTests : FailureTest
{
    private const string Controlled = "8056c2e21c000001";

    [Theory]
    [InlineData(2, ZeroTierNetworkStatus.AccessDenied, ZeroTierEventCode.NetworkAccessDenied)]
    [InlineData(3, ZeroTierNetworkStatus.NotFound, ZeroTierEventCode.NetworkNotFound)]
    [InlineData(5, ZeroTierNetworkStatus.ClientTooOld, ZeroTierEventCode.NetworkClientTooOld)]
    [InlineData(4, ZeroTierNetworkStatus.PortError, ZeroTierEventCode.NetworkUpdate)]
    [InlineData(6, ZeroTierNetworkStatus.AuthenticationRequired, ZeroTierEventCode.NetworkUpdate)]
    public async Task Refused_the_wait_says_why_and_later_admission_works(int number, ZeroTierNetworkStatus status, ZeroTierEventCode code)
    {
        var network = NetworkId.Parse(Controlled);
        var node = await Up($"status.{Controlled}={number}");
        var events = Record(node.Node);

        await Bounded(node.Node.JoinAsync(network, Token));
        var error = await Fails(ZeroTierError.NetworkUnavailable, () => node.Node.WaitForNetworkAsync(network, Token));
        await Until(() => events.Any(e => e.Code == code));

        Assert.Contains(Controlled, error.Message, StringComparison.Ordinal);
        Assert.Equal(status, node.Node.Networks[1].Status);
        Assert.Equal(error.Message, node.Node.Networks[1].Detail);
        Assert.Equal([code], Codes(events));

        node.Control.Configure($"status.{Controlled}=1");
        await Until(() => events.Any(e => e.Code == ZeroTierEventCode.NetworkOk));
        Assert.True((await Bounded(node.Node.WaitForNetworkAsync(network, Token))).IsReady);
        Assert.Equal(
            [
                code,
                ZeroTierEventCode.AddressAddedIPv6,
                ZeroTierEventCode.NetworkUpdate,
                ZeroTierEventCode.NetworkReadyIPv6,
                ZeroTierEventCode.NetworkOk,
            ],
            Codes(events));
    }

    [Fact]
    public async Task Status_comes_and_goes_each_change_is_told_once()
    {
        var node = await Up();
        var events = Record(node.Node);

        foreach (int status in new[] { 2, 1, 0, 1, 3, 1 })
        {
            node.Control.Configure($"status.{Network}={status}");
            await Until(() => (int)node.Node.Networks[0].Status == status);
            await Task.Delay(100, Token);
        }

        await Until(() => events.Count(e => e.Code == ZeroTierEventCode.NetworkOk) == 3);
        var codes = Codes(events).Where(c => c is not ZeroTierEventCode.NetworkUpdate and not ZeroTierEventCode.NetworkReadyIPv6);
        Assert.Equal(
            [
                ZeroTierEventCode.NetworkAccessDenied, ZeroTierEventCode.NetworkOk, ZeroTierEventCode.NetworkRequestingConfiguration,
                ZeroTierEventCode.NetworkOk,
                ZeroTierEventCode.NetworkNotFound, ZeroTierEventCode.NetworkOk,
            ],
            codes);
    }

    [Fact]
    public async Task Leave_and_rejoin_over_and_over_connections_end_and_new_ones_work()
    {
        var server = await Up();
        var client = await Up();
        for (int i = 0; i < 8; i++)
        {
            await using var listener = await Listen(server);
            var (there, here) = await Connect(client, server, listener);
            var accepting = listener.AcceptAsync(Token);

            await Bounded(server.Node.LeaveAsync(Network, Token));

            Assert.Null(await Bounded(accepting));
            Assert.Equal(ZeroTierError.ConnectionAborted, (await Bounded(here.ReceiveEnded))!.Error);
            Assert.Equal(ZeroTierError.ConnectionReset, (await Bounded(there.ReceiveEnded))!.Error);
            await there.DisposeAsync();
            await here.DisposeAsync();
            await Bounded(server.Node.JoinAsync(Network, Token));
            await Bounded(server.Node.WaitForNetworkAsync(Network, Token));
        }

        await Echo(client, server);
        await Until(() => server.Control.Counter("sockets") <= 1);
    }

    [Fact]
    public async Task Leave_while_connecting_ends_the_attempt()
    {
        var server = await Up();
        var client = await Up("connect=silent");
        var connecting = client.Node.ConnectAsync(On(server, 80), Token).AsTask();
        await Until(() => client.Control.Counter("connects") == 1);

        await Bounded(client.Node.LeaveAsync(Network, Token));

        await Assert.ThrowsAsync<ZeroTierException>(() => Bounded(connecting));
    }

    [Fact]
    public async Task Forgotten_network_in_the_folder_is_not_joined()
    {
        string folder = Folder();
        Directory.CreateDirectory(Path.Combine(folder, "networks.d"));
        await File.WriteAllTextAsync(Path.Combine(folder, "networks.d", $"{Controlled}.conf"), "x", Token);

        var node = await Up(options: new() { StoragePath = folder });

        Assert.Equal([Network], node.Node.Networks.Select(n => n.Id));
        Assert.False(File.Exists(Path.Combine(folder, "networks.d", $"{Controlled}.conf")));
    }
}
