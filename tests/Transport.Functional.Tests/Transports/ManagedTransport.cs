using EndToEnd.Tests;
using ZeroTier;
using ZeroTier.Managed;

namespace Transport.Functional.Tests.Transports;

/// <summary>The managed engine over IPv6.</summary>
public sealed class ManagedTransport : ManagedEngineTransport
{
    private protected override NetworkId Network => LoopbackUniverse.Network;

    private protected override bool IsIPv4 => false;
}

/// <summary>The managed engine over IPv4.</summary>
public sealed class ManagedIPv4Transport : ManagedEngineTransport
{
    private protected override NetworkId Network { get; } = IPv4Network;

    private protected override bool IsIPv4 => true;
}

/// <summary>The managed engine over real loopback UDP, with a root of its own.</summary>
public abstract class ManagedEngineTransport : NodeTransport, IAsyncLifetime
{
    private readonly LoopbackUniverse _universe = new();
    private ZeroTierNode? _server;

    private protected override ZeroTierNode Server => _server!;

    private protected override ZeroTierNode Client => _universe.Client;

    public async ValueTask InitializeAsync()
    {
        await _universe.InitializeAsync();
        _server = await JoinAsync(await _universe.StartNodeAsync());
        await JoinAsync(_universe.Client);
    }

    /// <summary>One more node that calls, over physical sockets of its own.</summary>
    internal async Task<HttpMessageHandler> CreateHandlerAsync(Func<IDatagramTransport> physical) =>
        new ZeroTierHttpHandler(await JoinAsync(await _universe.StartNodeAsync(physical)));

    public ValueTask DisposeAsync() => _universe.DisposeAsync();

    private async Task<ZeroTierNode> JoinAsync(ManagedNode node)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await node.JoinAsync(Network, limit.Token);
        await node.WaitForNetworkAsync(Network, limit.Token);
        return node;
    }
}
