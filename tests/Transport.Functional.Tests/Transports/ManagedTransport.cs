using EndToEnd.Tests;
using ZeroTier;

namespace Transport.Functional.Tests.Transports;

/// <summary>The managed engine over real loopback UDP, with a root of its own.</summary>
public sealed class ManagedTransport : NodeTransport, IAsyncLifetime
{
    private readonly LoopbackUniverse _universe = new();
    private IZeroTierNode? _server;

    private protected override NetworkId Network => LoopbackUniverse.Network;

    private protected override IZeroTierNode Server => _server!;

    private protected override IZeroTierNode Client => _universe.Client;

    public async ValueTask InitializeAsync()
    {
        await _universe.InitializeAsync();
        _server = await _universe.StartNodeAsync();
    }

    public ValueTask DisposeAsync() => _universe.DisposeAsync();
}
