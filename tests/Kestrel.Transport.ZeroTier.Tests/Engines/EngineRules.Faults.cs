using Microsoft.AspNetCore.Connections;
using ZeroTier;
using ZeroTier.Conformance;

namespace Kestrel.Transport.ZeroTier.Tests.Engines;

/// <summary>Rule 6.14: what a handler does wrong with its connection stays there.</summary>
public abstract partial class EngineRules<TEngine>
{
    private const int RawPort = 7000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_6_14_Two_writers_cost_that_connection_and_one_line_of_the_log(bool handlerStays)
    {
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await StartHostAsync(zt =>
        {
            zt.Listen(Port);
            zt.Listen(RawPort, listen => listen.Run(async connection =>
            {
                await Task.WhenAll(
                    Enumerable.Range(0, 3)
                        .Select(_ => Task.Run(() => ConcurrentWriters.WriteUntilBrokenAsync(connection.Transport.Output))));
                failed.SetResult();
                if (handlerStays)
                {
                    await release.Task;
                }
            }));
        });
        await using var victim = await DialAsync(RawPort);
        await Bounded(failed.Task);

        await AssertResetAsync(victim);

        string line = TransportLog.ServerCategory;
        await EventuallyAsync(() => host.Logs.Lines.Any(l => l.Category == line && l.Event.Id == 14), "the fault is logged");
        release.SetResult();
        Assert.Equal("hello", await host.GetAsync());
        var fault = Assert.Single(host.Logs.Lines, l => l.Category == line && l.Event.Id is 14 or 19);
        Assert.IsType<InvalidOperationException>(fault.Exception!.GetBaseException());
    }

    private static async Task AssertResetAsync(ZeroTierConnection connection)
    {
        var error = await Assert.ThrowsAsync<ZeroTierException>(async () =>
        {
            while (true)
            {
                var read = await Bounded(connection.Input.ReadAsync());
                connection.Input.AdvanceTo(read.Buffer.End);
                Assert.False(read.IsCompleted, "The connection ended in order.");
            }
        });
        Assert.Equal(ZeroTierError.ConnectionReset, error.Error);
    }
}
