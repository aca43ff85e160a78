namespace ZeroTier.Conformance;

/// <summary>The table of streams, over connections of an engine.</summary>
/// <typeparam name="TEngine">The engine under test.</typeparam>
public abstract class EngineStreamConformance<TEngine> : StreamConformance
    where TEngine : IConformanceEngine, new()
{
    private NodePair? _pair;
    private IZeroTierListener? _listener;

    public override async ValueTask InitializeAsync()
    {
        _pair = await new TEngine().StartPairAsync(Token);
        _listener = await _pair.Server.ListenAsync(new ZeroTierEndPoint(_pair.Network, 7000), Token);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_pair is not null)
        {
            await _pair.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    protected override async Task<StreamPair> ConnectAsync()
    {
        var address = _pair!.Server.Networks.Single(n => n.Id == _pair.Network).Addresses[0].Address;
        var accepting = _listener!.AcceptAsync(Token);
        var client = await _pair.Client.ConnectAsync(new ZeroTierEndPoint(_pair.Network, address, 7000), Token);
        return new StreamPair(new ZeroTierConnectionStream(client), new ZeroTierConnectionStream((await accepting)!));
    }
}
