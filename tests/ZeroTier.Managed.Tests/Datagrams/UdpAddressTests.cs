using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Datagrams.Platform;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>
/// A transport that follows the addresses of its machine: here those of 127.0.0.0/8, in virtual time. Linux alone has them all.
/// </summary>
public sealed class UdpAddressTests
{
    private readonly VirtualClock _clock = new();
    private readonly FakeLogger _logger = new();
    private volatile IReadOnlyList<IPAddress> _machine = [];

    public UdpAddressTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "binds all of 127.0.0.0/8");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_address_that_changes_keeps_its_number_its_port_and_its_counters(bool portable)
    {
        SetMachine("127.0.0.2", "127.0.0.3");
        await using var a = Open(portable);
        await using var b = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback] });
        var atA = new CollectingReceiver();
        var atB = new CollectingReceiver();
        a.Start(atA);
        b.Start(atB);
        ushort port = a.LocalEndPoints[0].Port;
        a.Send(0, b.LocalEndPoints[0], new byte[10], 10);
        await atB.WaitForAsync(1);
        Assert.Equal(At("127.0.0.2", port), atB.LastSource);

        SetMachine("127.0.0.3", "127.0.0.4");
        await LookAsync(() => a.LocalEndPoints[0] == At("127.0.0.4", port));

        Assert.Equal([At("127.0.0.4", port), At("127.0.0.3", port)], a.LocalEndPoints);
        a.Send(0, b.LocalEndPoints[0], new byte[10], 10);
        await atB.WaitForAsync(1);
        Assert.Equal(At("127.0.0.4", port), atB.LastSource);
        b.Send(0, a.LocalEndPoints[0], new byte[5], 5);
        b.Send(0, a.LocalEndPoints[1], new byte[5], 5);
        await atA.WaitForAsync(2);
        Assert.Equal(0b11, atA.Sockets);
        await UdpData.Until(() => a.Statistics is { DatagramsSent: 2, DatagramsReceived: 2 });
        await UdpData.Until(
            () => _logger.Collector.GetSnapshot().Any(
                line => line.Level == LogLevel.Information && line.Message.Contains("127.0.0.4", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_added_address_gets_the_next_number()
    {
        SetMachine("127.0.0.2");
        await using var a = Open();
        var arrived = new CollectingReceiver();
        a.Start(arrived);
        ushort port = a.LocalEndPoints[0].Port;

        SetMachine("127.0.0.2", "127.0.0.3", "127.0.0.4");
        await LookAsync(() => a.LocalEndPoints.Count == 3);

        Assert.Equal([At("127.0.0.2", port), At("127.0.0.3", port), At("127.0.0.4", port)], a.LocalEndPoints);
        a.Send(2, a.LocalEndPoints[1], new byte[5], 5);
        await arrived.WaitForAsync(1);
        Assert.Equal((At("127.0.0.4", port), 0b10), (arrived.LastSource, arrived.Sockets));
    }

    [Fact]
    public async Task Without_any_address_sends_are_counted_and_the_next_address_is_taken()
    {
        SetMachine("127.0.0.2");
        await using var a = Open();
        a.Start(new CollectingReceiver());
        ushort port = a.LocalEndPoints[0].Port;

        SetMachine();
        await LookAsync(() => a.LocalEndPoints[0].IsNone);
        a.Send(0, At("127.0.0.1", 9), new byte[30], 10);
        a.SendWithHopLimit(0, At("127.0.0.1", 9), new byte[3], 2);
        Assert.Equal(4, a.Statistics.SendUnreachable);
        await UdpData.Until(() => _logger.Collector.GetSnapshot().Any(line => line.Level == LogLevel.Warning));

        SetMachine("127.0.0.5");
        await LookAsync(() => !a.LocalEndPoints[0].IsNone);
        Assert.Equal([At("127.0.0.5", port)], a.LocalEndPoints);
    }

    [Fact]
    public async Task A_machine_without_a_network_at_first_gives_up_the_wildcard_for_its_first_address()
    {
        await using var a = Open();
        a.Start(new CollectingReceiver());
        ushort port = a.LocalEndPoints[0].Port;
        Assert.Equal(At("0.0.0.0", port), a.LocalEndPoints[0]);

        SetMachine("127.0.0.2");
        await LookAsync(() => a.LocalEndPoints[0] == At("127.0.0.2", port));

        // No IPv6 came, so that wildcard stays.
        Assert.Equal(Socket.OSSupportsIPv6 ? [At("127.0.0.2", port), At("::", port)] : [At("127.0.0.2", port)], a.LocalEndPoints);
    }

    [Fact]
    public async Task Nothing_changes_while_the_machine_does_not_or_cannot_be_read()
    {
        SetMachine("127.0.0.2", "127.0.0.3");
        int looks = 0;
        bool fails = false;
        await using var a = UdpDatagramTransport.Open(Options(portable: false), LinuxUdpCalls.Instance, () =>
        {
            looks++;
            return fails ? throw new NetworkInformationException() : _machine;
        });
        a.Start(new CollectingReceiver());
        var before = a.LocalEndPoints;

        await LookAsync(() => looks >= 2);
        fails = true;
        await LookAsync(() => _logger.Collector.GetSnapshot().Any(line => line.Level == LogLevel.Warning));

        Assert.Same(before, a.LocalEndPoints);
    }

    [Fact]
    public async Task An_address_whose_port_is_taken_is_tried_again()
    {
        SetMachine("127.0.0.2");
        await using var a = Open();
        a.Start(new CollectingReceiver());
        ushort port = a.LocalEndPoints[0].Port;
        await using (UdpDatagramTransport.Open(
            new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Parse("127.0.0.9")], Port = port }))
        {
            SetMachine("127.0.0.2", "127.0.0.9");
            await LookAsync(
                () => _logger.Collector.GetSnapshot().Any(
                    line => line.Message.Contains("is taken by another program", StringComparison.Ordinal)));
            Assert.Single(a.LocalEndPoints);
        }

        await LookAsync(() => a.LocalEndPoints.Count == 2);
    }

    [Fact]
    public async Task Addresses_asked_for_by_name_are_kept()
    {
        SetMachine("127.0.0.2");
        await using var named = UdpDatagramTransport.Open(
            Options(portable: false) with { BindAddresses = [IPAddress.Loopback] }, LinuxUdpCalls.Instance, () => _machine);
        named.Start(new CollectingReceiver());
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(IPAddress.Loopback, Assert.Single(named.LocalEndPoints).ToIPEndPoint().Address);
        Assert.Equal(0, _clock.PendingEvents);
    }

    [Fact]
    public async Task A_closed_transport_looks_no_more()
    {
        SetMachine("127.0.0.2");
        var a = Open();
        a.Start(new CollectingReceiver());
        await a.DisposeAsync();

        // A timer that lives would be waiting for its next time.
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, _clock.PendingEvents);
    }

    private void SetMachine(params string[] addresses) => _machine = [.. addresses.Select(IPAddress.Parse)];

    private UdpDatagramTransport Open(bool portable = false) =>
        UdpDatagramTransport.Open(Options(portable), LinuxUdpCalls.Instance, () => _machine);

    private UdpDatagramTransportOptions Options(bool portable) =>
        new() { PortableSockets = portable, TimeProvider = _clock, Logger = _logger };

    private static InetEndPoint At(string address, ushort port) => InetEndPoint.From(new IPEndPoint(IPAddress.Parse(address), port));

    // A look waits for receive threads to end, in real time.
    private async Task LookAsync(Func<bool> seen)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        do
        {
            _clock.Advance(AddressWatch.Interval);
            await Task.Delay(10, limit.Token);
        }
        while (!seen());
    }
}
