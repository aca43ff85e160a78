namespace ZeroTier.Libzt.Tests.Double;

/// <summary>The double's sockets do what was measured on the real library (docs/protocol/4-libzt-api.md 12).</summary>
public sealed class DoubleSocketTests : IDisposable
{
    private readonly RawDouble _server = new();
    private readonly RawDouble _client = new();
    private uint _length = 28;

    public DoubleSocketTests()
    {
        _server.Up();
        _client.Up();
    }

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
    }

    [Fact]
    public void Stream_bytes_arrive_and_the_end_is_zero_once()
    {
        var (s, c) = _server.Pair(_client);
        byte[] buffer = new byte[100];

        Assert.Equal(5, _client.Send(c, [1, 2, 3, 4, 5], 5, 0));
        Assert.Equal(1, _server.Poll(s, 1));
        Assert.Equal(5, _server.Receive(s, buffer, 100, 0));
        Fails(_server.Receive(s, buffer, 100, 0), 11);

        Assert.Equal(0, _client.Shutdown(c, 1));
        Fails(_client.Shutdown(c, 1), 107);
        Fails(_client.Send(c, [1], 1, 0), 107);
        Assert.Equal(1, _server.Poll(s, 1));
        Assert.Equal(0, _server.Receive(s, buffer, 100, 0));
        Assert.Equal(107, _server.ZtsErrno);
        Fails(_server.Receive(s, buffer, 100, 0), 107);
        Assert.Equal(3, _server.Poll(s, 3, 0));

        Assert.Equal(2, _server.Send(s, [8, 9], 2, 0));
        Assert.Equal(1, _client.Poll(c, 1));
        Assert.Equal(2, _client.Receive(c, buffer, 100, 0));
        CloseBoth(s, c);
    }

    [Fact]
    public void Linger_zero_with_unacknowledged_bytes_resets_the_peer_and_the_error_comes_once()
    {
        var (s, c) = _server.Pair(_client);
        byte[] data = new byte[1 << 20];
        while (_server.Send(s, data, (nuint)data.Length, 0) > 0)
        {
            // Until nothing more fits: some of it is unacknowledged.
        }

        Assert.Equal(0, _server.SetOption(s, 0xfff, 0x80, [1, 0], 8));
        Assert.Equal(0, _server.Close(s));

        RawDouble.Until(() => _client.Poll(c, 3) == 7);
        while (_client.Receive(c, data, (nuint)data.Length, 0) > 0)
        {
            // What came before the reset.
        }

        Assert.Equal(104, RawDouble.Errno);
        Fails(_client.Receive(c, new byte[1], 1, 0), 107);
        Assert.Equal(4, _client.Poll(c, 0));
        Assert.Equal(0, _client.Close(c));
        NoViolations();
    }

    [Fact]
    public void Linger_zero_idle_connection_ends_with_fin()
    {
        var (s, c) = _server.Pair(_client);

        Assert.Equal(0, _server.SetOption(s, 0xfff, 0x80, [1, 0], 8));
        Assert.Equal(0, _server.Close(s));

        Assert.Equal(1, _client.Poll(c, 1));
        Assert.Equal(0, _client.Receive(c, new byte[1], 1, 0));
        Assert.Equal(0, _client.Close(c));
        NoViolations();
    }

    [Fact]
    public void Keepalive_without_patience_resets_an_idle_connection()
    {
        var (s, c) = _server.Pair(_client);

        foreach (int option in new[] { 3, 4, 5 })
        {
            Assert.Equal(0, _server.SetOption(s, 6, option, [0], 4));
        }

        Assert.Equal(0, _server.SetOption(s, 0xfff, 8, [1], 4));

        Assert.Equal(4, _server.Poll(s, 0));
        RawDouble.Until(() => (_client.Poll(c, 0) & 4) != 0);
        Fails(_client.Receive(c, new byte[1], 1, 0), 104);
        Assert.Equal(0, _server.Close(s));
        Assert.Equal(0, _client.Close(c));
        NoViolations();
    }

    [Fact]
    public void Close_with_unread_data_resets_the_peer()
    {
        var (s, c) = _server.Pair(_client);
        Assert.Equal(1, _client.Send(c, [1], 1, 0));
        Assert.Equal(1, _server.Poll(s, 1));

        Assert.Equal(0, _server.Close(s));

        RawDouble.Until(() => (_client.Poll(c, 0) & 4) != 0);
        Fails(_client.Receive(c, new byte[1], 1, 0), 104);
        Assert.Equal(0, _client.Close(c));
        NoViolations();
    }

    [Fact]
    public void Refused_shows_error_then_both_and104_once()
    {
        int c = _client.Socket();

        _client.Begin(c, _server.Address(9));
        Assert.Equal(4, _client.Poll(c, 2));
        Assert.Equal(6, _client.Poll(c, 2));
        Fails(_client.Send(c, [1], 1, 0), 107);
        Assert.Equal(104, _client.Error(c));
        Assert.Equal(0, _client.Error(c));
        Fails(_client.Connect(c, _server.Address(9), 28), 107);
        Assert.Equal(0, _client.Close(c));
        NoViolations();
    }

    [Fact]
    public void Connect_while_connecting_connected_and_tentative_has_its_own_errors()
    {
        _client.Control.Configure("dad=3600000");
        int c = _client.Socket();
        Fails(_client.Connect(c, _server.Address(9), 28), 113);
        _client.Control.Configure("dad=0;connect=silent;connect_timeout=150");

        Fails(_client.Connect(c, _server.Address(9), 28), 115);
        Fails(_client.Connect(c, _server.Address(9), 28), 114);
        Fails(_client.Send(c, [1], 1, 0), 115);
        Fails(_client.Receive(c, new byte[1], 1, 0), 11);
        Assert.Equal(4, _client.Poll(c, 2));
        Assert.Equal(103, _client.Error(c));
        Assert.Equal(0, _client.Close(c));

        _client.Control.Configure("connect=ok");
        var (s, connected) = _server.Pair(_client);
        Fails(_client.Connect(connected, _server.Address(9), 28), 106);
        CloseBoth(s, connected);
    }

    [Fact]
    public void Connect_to_nobody_ends_with103_after_the_time_out()
    {
        _client.Control.Configure("connect_timeout=100");
        byte[] nobody = _server.Address(80);
        nobody[8 + 9] ^= 0x55;
        int c = _client.Socket();

        _client.Begin(c, nobody);

        Assert.Equal(4, _client.Poll(c, 2));
        Assert.Equal(103, _client.Error(c));
        Assert.Equal(0, _client.Close(c));
    }

    [Fact]
    public void Arguments_and_gates_give_the_documented_codes()
    {
        int c = _client.Socket();
        Assert.Equal(-3, _client.Connect(c, new byte[28], 15));
        Fails(_client.Connect(c, _server.Address(1), 20), 5);
        byte[] wrong = _server.Address(1);
        wrong[1] = 2;
        Fails(_client.Connect(c, wrong, 28), 22);
        Fails(_client.Receive(77, new byte[1], 1, 0), 9);
        Fails(_client.Close(77), 9);
        Fails(_client.NewSocket(10, 3, 0), 105);
        Fails(_client.Listen(_client.Socket(2), 1), 95);
        Fails(_client.Accept(c, wrong, ref _length), 22);
        Fails(_client.SetOption(c, 0xfff, 0x1001, [1], 4), 92);
        Fails(_client.SetOption(c, 6, 1, [1], 2), 22);
        Assert.Equal(0, _client.SetOption(c, 6, 1, [1], 4));
        uint count = 15;
        Assert.Equal(-3, _client.AddressList(RawDouble.Network, new byte[448], ref count));
        count = 16;
        Assert.Equal(-4, _client.AddressList(1, new byte[448], ref count));
        Assert.Equal(-4, _client.Status(1));
    }

    [Fact]
    public void Descriptors_lowest_free_reused_at_once_and_limited()
    {
        _client.Control.Configure("sockets=3");
        int a = _client.Socket(), b = _client.Socket(), c = _client.Socket();
        Assert.Equal([0, 1, 2], [a, b, c]);
        Fails(_client.NewSocket(10, 1, 0), 23);

        Assert.Equal(0, _client.Close(b));

        Assert.Equal(1, _client.Socket(2));
        Assert.Equal(3, _client.Control.Counter("sockets_max"));
    }

    [Fact]
    public void Accept_full_table_resets_the_peer()
    {
        int listener = _server.Socket();
        Assert.Equal(0, _server.Bind(listener, _server.Address(7), 28));
        Assert.Equal(0, _server.Listen(listener, 5));
        int c = _client.Socket();
        _client.Begin(c, _server.Address(7));
        Assert.Equal(1, _server.Poll(listener, 1));
        _server.Control.Configure("sockets=1");

        Fails(_server.Accept(listener, new byte[28], ref _length), 23);

        RawDouble.Until(() => (_client.Poll(c, 0) & 4) != 0);
        Assert.Equal(104, _client.Error(c));
    }

    [Fact]
    public void Closing_a_polled_datagram_socket_wakes_the_poller_once()
    {
        int spare = _client.Socket(2);
        var closer = new Thread(() =>
        {
            RawDouble.Until(() => _client.Control.Counter("polls") > 0);
            TestContext.Current.CancellationToken.WaitHandle.WaitOne(30);
            _client.Close(spare);
        });
        closer.Start();

        Assert.Equal(1, _client.Poll(spare, 1, 10_000));
        closer.Join();

        Assert.Equal(0, _client.Poll(spare, 1, 1));
        NoViolations();
    }

    [Fact]
    public void Datagrams_carry_the_sender_and_member_ports_below1024_work()
    {
        int s = _server.Socket(2), c = _client.Socket(2);
        Assert.Equal(0, _server.Bind(s, _server.Address(53), 28));
        RawDouble.Until(() => _client.SendTo(c, [1, 2, 3, 4], 4, 0, _server.Address(53), 28) == 4);
        byte[] buffer = new byte[100], from = new byte[28];
        uint length = 28;

        Assert.Equal(1, _server.Poll(s, 1));
        Assert.Equal(2, _server.ReceiveFrom(s, buffer, 2, 0, from, ref length));
        Assert.Equal(RawDouble.Ip(_client.Address(0)), RawDouble.Ip(from));
        Assert.Equal((28, 10), (from[0], from[1]));
        RawDouble.Until(() => _server.SendTo(s, [9], 1, 0, from, 28) == 1);
        Assert.Equal(1, _client.Poll(c, 1));
        Assert.Equal(1, _client.ReceiveFrom(c, buffer, 9, 0, from, ref length));
        Assert.Equal(_server.Address(53)[2..4], from[2..4]);
        Fails(_client.SendTo(c, new byte[70_000], 70_000, 0, from, 28), 90);
        Fails(_client.SendTo(c, new byte[65_507], 65_507, 0, from, 28), 105);
        Fails(_server.Shutdown(s, 1), 95);
    }

    [Fact]
    public void Bind_taken_port_is_refused_unless_both_reuse()
    {
        int a = _server.Socket(), b = _server.Socket();
        Assert.Equal(0, _server.Bind(a, _server.Address(1000), 28));
        Fails(_server.Bind(b, _server.Address(1000), 28), 98);
        Assert.Equal(0, _server.Close(a));
        a = _server.Socket();
        Assert.Equal(0, _server.SetOption(a, 0xfff, 4, [1], 4));
        Assert.Equal(0, _server.SetOption(b, 0xfff, 4, [1], 4));

        Assert.Equal(0, _server.Bind(a, _server.Address(1000), 28));
        Assert.Equal(0, _server.Bind(b, _server.Address(1000), 28));
        int foreign = _server.Socket();
        Assert.Equal(0, _server.Bind(foreign, _client.Address(1000), 28));
    }

    [Fact]
    public void Partial_writes_storms_and_resets_come_as_scripted()
    {
        var (s, c) = _server.Pair(_client);
        byte[] buffer = new byte[100];
        _client.Control.Configure("partial=3");
        Assert.Equal(3, _client.Send(c, buffer, 100, 0));
        _server.Control.Configure("eagain=2");
        Assert.Equal(1, _server.Poll(s, 1));
        Fails(_server.Receive(s, buffer, 100, 0), 11);
        Fails(_server.Receive(s, buffer, 100, 0), 11);
        Assert.Equal(3, _server.Receive(s, buffer, 100, 0));
        _client.Control.Configure("reset_after=5");
        Assert.Equal(3, _client.Send(c, buffer, 100, 0));
        Fails(_client.Send(c, buffer, 100, 0), 104);
    }

    [Fact]
    public void Leaving_a_network_aborts_its_connections()
    {
        var (s, c) = _server.Pair(_client);

        Assert.Equal(0, _server.Leave(RawDouble.Network));

        Assert.Equal(4, _server.Poll(s, 1) & 4);
        Fails(_server.Receive(s, new byte[1], 1, 0), 103);
        RawDouble.Until(() => (_client.Poll(c, 0) & 4) != 0);
        Fails(_client.Receive(c, new byte[1], 1, 0), 104);
    }

    private void Fails(nint result, int errno)
    {
        int error = RawDouble.Errno;
        Assert.Equal((-1, errno), ((int)result, error));
    }

    private void CloseBoth(int server, int client)
    {
        Assert.Equal(0, _server.Close(server));
        Assert.Equal(0, _client.Close(client));
        NoViolations();
    }

    private void NoViolations()
    {
        Assert.Empty(_server.Control.Violations);
        Assert.Empty(_client.Control.Violations);
    }
}
