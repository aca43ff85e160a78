using EndToEnd.Tests;
using ZeroTier;
using ZeroTier.Managed;

namespace Transport.Functional.Tests.Transports;

/// <summary>The managed engine over real loopback UDP, with a root of its own.</summary>
public sealed class ManagedTransport : NodeTransport, IAsyncLifetime
{
    private readonly LoopbackUniverse _universe = new();
    private ZeroTierNode? _server;

    private protected override NetworkId Network => LoopbackUniverse.Network;

    private protected override ZeroTierNode Server => _server!;

    private protected override ZeroTierNode Client => _universe.Client;

    public async ValueTask InitializeAsync()
    {
        await _universe.InitializeAsync();
        _server = await _universe.StartNodeAsync();
    }

    /// <summary>One more node that calls, over physical sockets of its own.</summary>
    internal async Task<HttpMessageHandler> CreateHandlerAsync(Func<IDatagramTransport> physical) =>
        new ZeroTierHttpHandler(await _universe.StartNodeAsync(physical));

    public ValueTask DisposeAsync() => _universe.DisposeAsync();
}
