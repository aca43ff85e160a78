using System.Threading.Channels;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>A port of a <see cref="FakeNode"/>.</summary>
internal sealed class FakeListener(FakeNode node, ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options) : IZeroTierListener
{
    private readonly Channel<object> _offers = Channel.CreateUnbounded<object>();

    public FakeNode Node => node;

    public ZeroTierConnectionOptions Options => options;

    public ZeroTierEndPoint EndPoint => endPoint;

    public Exception? DisposeFailure { get; set; }

    /// <summary>Disposal ends with it.</summary>
    public Task DisposeGate { get; set; } = Task.CompletedTask;

    /// <summary>An accept ends with the listener only.</summary>
    public bool IgnoresTokens { get; set; }

    /// <summary>The next accept fails with this.</summary>
    public void InjectAcceptFailure(Exception failure) => _offers.Writer.TryWrite(failure);

    public bool Offer(FakeConnection connection) => _offers.Writer.TryWrite(connection);

    public async ValueTask<ZeroTierConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _offers.Reader.ReadAsync(IgnoresTokens ? CancellationToken.None : cancellationToken) switch
            {
                FakeConnection connection => connection,
                Exception failure => throw failure,
                _ => null,
            };
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    /// <summary>Those who wait in the backlog are reset.</summary>
    public void Close()
    {
        node.Remove(this);
        _offers.Writer.TryComplete();
        while (_offers.Reader.TryRead(out object? waiting))
        {
            (waiting as FakeConnection)?.Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, "The listener closed."));
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return DisposeFailure is { } failure ? throw failure : new ValueTask(DisposeGate);
    }
}
