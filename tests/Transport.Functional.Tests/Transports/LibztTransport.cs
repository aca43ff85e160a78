using ZeroTier;
using ZeroTier.LibztDouble;

namespace Transport.Functional.Tests.Transports;

/// <summary>The native engine over IPv6.</summary>
public sealed class LibztTransport : LibztEngineTransport
{
    private protected override NetworkId Network { get; } = NetworkId.AdHoc(0, ushort.MaxValue);

    private protected override bool IsIPv4 => false;
}

/// <summary>The native engine over IPv4.</summary>
public sealed class LibztIPv4Transport : LibztEngineTransport
{
    private protected override NetworkId Network { get; } = IPv4Network;

    private protected override bool IsIPv4 => true;
}

/// <summary>
/// The native engine over the double of libzt. Skips where there is no double; fails at its end when a rule of the library was broken.
/// </summary>
public abstract class LibztEngineTransport : NodeTransport, IAsyncLifetime
{
    private DoubleNode? _server;
    private DoubleNode? _client;

    private protected override ZeroTierNode Server => Available(_server);

    private protected override ZeroTierNode Client => Available(_client);

    public async ValueTask InitializeAsync()
    {
        if (DoubleLibrary.IsAvailable)
        {
            _server = await StartAsync();
            _client = await StartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { _client, _server })
        {
            if (node is not null)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static ZeroTierNode Available(DoubleNode? node)
    {
        Assert.SkipWhen(node is null, DoubleLibrary.SkipReason ?? "");
        return node!.Node;
    }

    private async Task<DoubleNode> StartAsync()
    {
        var made = DoubleNode.Create();
        using var limit = new CancellationTokenSource(Wait.Limit);
        await made.Node.StartAsync(limit.Token);
        await made.Node.JoinAsync(Network, limit.Token);
        await made.Node.WaitForNetworkAsync(Network, limit.Token);
        await made.Node.WaitForOnlineAsync(limit.Token);
        return made;
    }
}
