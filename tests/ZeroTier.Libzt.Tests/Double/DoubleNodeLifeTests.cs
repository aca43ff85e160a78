using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Double;

/// <summary>The double's node lives and dies as docs/protocol/4-libzt-api.md 11 says, and writes down who disturbs it.</summary>
public sealed class DoubleNodeLifeTests : IDisposable
{
    private readonly RawDouble _double = new();
    private readonly ConcurrentQueue<int> _events = new();
    private readonly RawDouble.OnEvent _handler;
    private readonly string _folder = Directory.CreateTempSubdirectory("libzt-double-test-").FullName;

    public DoubleNodeLifeTests() => _handler = message => _events.Enqueue(Marshal.ReadInt16(message));

    public void Dispose()
    {
        _double.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.KeepAlive(_handler);
    }

    [Fact]
    public void Address_is_the_members6_plane_address()
    {
        _double.Up();

        byte[] address = _double.Address(0);

        Assert.Equal(new NetworkId(RawDouble.Network).GetSixPlaneAddress(new NodeId(_double.Id())), RawDouble.Ip(address));
        Assert.Equal(10, address[1]);
        Assert.Equal(0xdbUL, _double.Id() >> 32);
    }

    [Fact]
    public void Before_start_every_gate_is_closed()
    {
        Assert.Equal(RawDouble.NotRunning, _double.Id());
        Assert.Equal(-2, _double.NewSocket(10, 1, 0));
        Assert.Equal(-2, _double.Join(RawDouble.Network));
        Assert.Equal(-2, _double.Stop());
        Assert.Equal(0, _double.IsOnline());
        Assert.Empty(_double.Control.Violations);
    }

    [Fact]
    public void Events_come_in_the_documented_order()
    {
        _double.Control.Configure("online=0");
        _double.Handler(_handler);
        _double.Up();
        _double.Control.Configure("online=1");

        RawDouble.Until(() => _events.Contains(213));

        Assert.Equal([270, 271, 272, 200, 262, 219, 201, 216, 213], _events);
    }

    [Fact]
    public void Events_of_a_silent_session_come_stale_in_the_next()
    {
        _double.Control.Configure("events=none;restart_gap=0;stop_ms=5;event_gap=0");
        _double.Handler(_handler);
        _double.Up();
        RawDouble.Until(() => _double.IsOnline() == 1);
        Assert.Empty(_events);
        Assert.Equal(0, _double.Stop());
        RawDouble.Until(() => _double.Control.Counter("services") == 0);

        _double.Control.Configure("events=on");
        _double.Handler(_handler);
        Assert.Equal(0, _double.Start());

        RawDouble.Until(() => _events.Count(code => code == 201) == 2);
        Assert.Equal(270, _events.First());
    }

    [Fact]
    public void Storage_keeps_identity_and_networks()
    {
        _double.Control.Configure("restart_gap=50;stop_ms=10;event_gap=0");
        _double.Storage(_folder);
        _double.Up();
        ulong id = _double.Id();
        Assert.StartsWith($"{id:x10}:0:", File.ReadAllText(Path.Combine(_folder, "identity.secret")), StringComparison.Ordinal);
        Assert.StartsWith($"{id:x10}:0:", File.ReadAllText(Path.Combine(_folder, "identity.public")), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, "networks.d", "ff0000ffff000000.conf")));
        Assert.Equal(0, _double.Stop());
        Assert.Equal(RawDouble.NotRunning, _double.Id());
        RawDouble.Until(() => _double.Control.Counter("services") == 0);
        Assert.False(TestContext.Current.CancellationToken.WaitHandle.WaitOne(100));

        _double.Storage(_folder);
        Assert.Equal(0, _double.Start());

        RawDouble.Until(() => _double.Status(RawDouble.Network) == 1);
        Assert.Equal(id, _double.Id());
        Assert.Equal(0, _double.Leave(RawDouble.Network));
        Assert.False(File.Exists(Path.Combine(_folder, "networks.d", "ff0000ffff000000.conf")));
        Assert.Empty(_double.Control.Violations);
    }

    [Fact]
    public void Other_networks_stay_in_their_scripted_status()
    {
        const ulong Controlled = 0x8056c2e21c000001, Backwards = 0xff00020001000000;
        _double.Control.Configure("addr_delay=0;status.8056c2e21c000002=2");
        _double.Up();
        Assert.Equal(0, _double.Join(Controlled));
        Assert.Equal(0, _double.Join(Controlled + 1));
        Assert.Equal(0, _double.Join(Backwards));

        RawDouble.Until(() => _double.Status(Backwards) == 3 && _double.Status(Controlled + 1) == 2);
        Assert.Equal(0, _double.Status(Controlled));
        _double.Control.Configure("status.8056c2e21c000001=1");

        uint count = 16;
        Assert.Equal(1, _double.Status(Controlled));
        Assert.Equal(0, _double.AddressList(Controlled, new byte[448], ref count));
    }

    [Fact]
    public void Misuse_is_written_down()
    {
        _double.Control.Configure("core_delay=300");
        Assert.Equal(0, _double.Start());
        RawDouble.Until(() => _double.Id() == 0);
        _double.Join(RawDouble.Network);
        _double.Start();
        _double.Port(1);
        RawDouble.Until(() => _double.Id() != 0);
        int fd = _double.NewSocket(10, 1, 0);
        Assert.Equal(0, _double.Stop());
        _double.Port(1);
        _double.Start();
        Assert.Equal(-2, _double.Close(fd));

        string[] expected =
        [
            "zts_net_join before the core node exists", "zts_node_start while the node runs or starts",
            "zts_init_set_port while the node runs",
            "zts_node_stop with 1 open sockets", "zts_init_set_port while the old node is still there", "the old node is still there",
        ];
        var violations = _double.Control.Violations;
        Assert.Equal(expected.Length, violations.Count);
        Assert.All(expected.Zip(violations), pair => Assert.EndsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void Misuse_of_sockets_is_written_down()
    {
        _double.Up();
        int fd = _double.NewSocket(10, 1, 0);
        var reader = new Thread(() => _double.Receive(fd, new byte[1], 1, 0));
        reader.Start();
        RawDouble.Until(() => _double.Control.Counter("blocking") == 1);

        Assert.Equal(0, _double.Close(fd));
        reader.Join();
        for (int i = 0; i < 3; i++)
        {
            _double.Poll(fd, 1, 0);
        }

        Assert.Collection(
            _double.Control.Violations,
            line => Assert.Equal($"recv on descriptor {fd} by a second thread", line),
            line => Assert.Equal($"blocking recv on descriptor {fd}", line),
            line => Assert.StartsWith($"close of descriptor {fd} while another call is inside it", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"poll of the closed descriptor {fd}", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Collision_ends_the_service_without_a_word()
    {
        _double.Handler(_handler);
        Assert.Equal(0, _double.Start());

        RawDouble.Until(() => _double.Id() is not 0 and not RawDouble.NotRunning);
        _double.Control.Configure("collision=1");
        RawDouble.Until(() => _double.Id() == RawDouble.NotRunning);

        Assert.DoesNotContain(203, _events);
        Assert.DoesNotContain(204, _events);
    }

    [Fact]
    public void Copies_are_libraries_of_their_own()
    {
        using var other = new RawDouble();
        _double.Up();

        Assert.Equal(RawDouble.NotRunning, other.Id());
        Assert.NotEqual(_double.Control.Path, other.Control.Path);
        Assert.Throws<ArgumentException>(() => other.Control.Configure("nonsense=1"));
        Assert.Throws<ArgumentException>(() => other.Control.Counter("nonsense"));
        Assert.True(DoubleLibrary.IsAvailable);
    }
}
