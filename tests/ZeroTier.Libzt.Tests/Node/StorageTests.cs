using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Node;

/// <summary>The storage folder and identities, over the double.</summary>
public sealed class StorageTests : IAsyncLifetime
{
    private static readonly string _key = string.Concat(Enumerable.Repeat("0123456789abcdef", 8));
    private static readonly string _identity = $"db00123456:0:{_key}:{_key}";
    private static readonly NetworkId _network = NetworkId.AdHoc(0, 65535);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"zt-storage-{Guid.NewGuid():N}", "node");
    private readonly List<DoubleNode> _nodes = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        if (Path.GetDirectoryName(_folder) is { } parent && Directory.Exists(parent))
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    [Fact]
    public async Task Start_makes_the_folder_for_the_owner_only_and_the_identity_stays()
    {
        var first = Node(new() { StoragePath = _folder });
        await first.Node.StartAsync(Token);
        var id = first.Node.Id;
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "identity.secret")));
        }

        await first.DisposeAsync();

        var second = Node(new() { StoragePath = _folder });
        await second.Node.StartAsync(Token);

        Assert.Equal(id, second.Node.Id);
    }

    [Fact]
    public async Task Start_folder_of_another_node_is_refused_until_that_one_stops()
    {
        var holder = Node(new() { StoragePath = _folder });
        await holder.Node.StartAsync(Token);
        var other = Node(new() { StoragePath = _folder });

        var error = await Fails(other);
        Assert.Contains("in use by another node", error.Message, StringComparison.Ordinal);
        await holder.Node.StopAsync(Token);
        await other.Node.StartAsync(Token);

        Assert.Equal(holder.Node.Id, other.Node.Id);
    }

    public static TheoryData<string, string, string> TooLong { get; } = new()
    {
        { "identity.secret", new string('a', 5000), "damaged" },
        { "identity.secret", " " + _identity, "damaged" },
    };

    [Theory]
    [InlineData("identity.secret", "", "damaged")]
    [InlineData("identity.secret", "db00123456:0:abc:def", "damaged")]
    [MemberData(nameof(TooLong))]
    [InlineData("identity.public", "db00123456:0:abc", "private key is lost")]
    public async Task Start_damaged_identity_is_refused_and_not_replaced(string file, string content, string expected)
    {
        Directory.CreateDirectory(_folder);
        string path = Path.Combine(_folder, file);
        await File.WriteAllTextAsync(path, content, Token);

        var error = await Fails(Node(new() { StoragePath = _folder }));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllTextAsync(path, Token));
    }

    [Fact]
    public async Task Start_identity_of_the_managed_engine_is_used()
    {
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "identity.secret"), _identity + "\n", Token);
        var node = Node(new() { StoragePath = _folder });

        await node.Node.StartAsync(Token);

        Assert.Equal(new NodeId(0xdb00123456), node.Node.Id);
    }

    [Fact]
    public async Task Start_folder_that_cannot_be_written_its_identity_is_used_from_memory()
    {
        // A folder in the place of the lock file: that cannot be written, whoever the tests run as.
        Directory.CreateDirectory(Path.Combine(_folder, "node.lock"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "identity.secret"), _identity + "\n", Token);
        var node = Node(new() { StoragePath = _folder });
        await node.Node.JoinAsync(_network, Token);
        await node.Node.StartAsync(Token);
        await node.Node.RestartAsync(Token);

        Assert.Equal(new NodeId(0xdb00123456), node.Node.Id);
        var error = await Fails(Node(new() { StoragePath = _folder }));
        Assert.Contains("in use by another node", error.Message, StringComparison.Ordinal);
        await node.DisposeAsync();
        Assert.Equal(
            ["identity.secret", "node.lock"],
            Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Start_memory_as_the_folder_stores_nothing()
    {
        var node = Node(new() { StoragePath = ":memory:" });
        await node.Node.StartAsync(Token);

        Assert.Equal(ZeroTierNodeState.Running, node.Node.State);
        Assert.False(Directory.Exists(":memory:"));
    }

    [Fact]
    public async Task Start_identity_in_memory_is_used_and_kept()
    {
        var node = Node(new() { Identity = _identity });
        await node.Node.StartAsync(Token);
        await node.Node.RestartAsync(Token);

        Assert.Equal(new NodeId(0xdb00123456), node.Node.Id);
    }

    [Fact]
    public async Task Start_bad_identity_in_memory_is_refused() =>
        Assert.Contains("identity", (await Fails(Node(new() { Identity = "nonsense" }))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Start_without_planet_is_refused_unless_the_folder_has_one()
    {
        var node = Node(new() { StoragePath = _folder, Planet = ReadOnlyMemory<byte>.Empty });
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.Node.StartAsync(Token));
        Assert.Equal(ZeroTierError.Underlay, error.Error);
        Assert.Contains("No planet is set", error.Message, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(Path.Combine(_folder, "planet"), [], Token);
        Assert.Contains("0 bytes", (await Fails(node)).Message, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(Path.Combine(_folder, "planet"), [1], Token);
        await node.Node.StartAsync(Token);
        Assert.Equal(ZeroTierNodeState.Running, node.Node.State);
    }

    [Fact]
    public async Task Join_and_leave_are_remembered_for_a_quick_start()
    {
        var node = Node(new() { StoragePath = _folder });
        await node.Node.StartAsync(Token);
        string file = Path.Combine(_folder, "networks.d", $"{_network}.conf");

        await node.Node.JoinAsync(_network, Token);
        Assert.True(File.Exists(file));
        await node.Node.LeaveAsync(_network, Token);
        Assert.False(File.Exists(file));
    }

    private static async Task<ZeroTierException> Fails(DoubleNode node)
    {
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.Node.StartAsync(Token));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        return error;
    }

    private DoubleNode Node(DoubleNodeOptions options)
    {
        var node = DoubleNode.Create(options);
        _nodes.Add(node);
        return node;
    }
}
