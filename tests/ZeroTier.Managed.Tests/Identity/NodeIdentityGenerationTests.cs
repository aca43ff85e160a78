using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Identity;

public class NodeIdentityGenerationTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Generate_async_system_random_gives_a_valid_identity_that_signs()
    {
        using NodeIdentity identity = await NodeIdentity.GenerateAsync(cancellationToken: TestContext.Current.CancellationToken)
            .WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.True(identity.HasSecret);
        Assert.True(identity.IsLocallyValid());
        Assert.True(identity.Verify([1, 2], identity.Sign([1, 2])));
        Assert.Equal(identity, NodeIdentity.Parse(identity.ToSecretText()));
    }

    [Fact]
    public async Task Generate_same_numbers_gives_the_same_identity_on_one_thread_and_on_many()
    {
        using NodeIdentity one = NodeIdentity.Generate(new SeededRandom(1), TestContext.Current.CancellationToken);
        using NodeIdentity many = await NodeIdentity.GenerateAsync(new SeededRandom(1), TestContext.Current.CancellationToken)
            .WaitAsync(Limit, TestContext.Current.CancellationToken);
        using NodeIdentity other = NodeIdentity.Generate(new SeededRandom(2), TestContext.Current.CancellationToken);
        Assert.Equal(one.ToSecretText(), many.ToSecretText());
        Assert.NotEqual(one, other);
    }

    [Fact]
    public async Task Generate_async_cancelled_while_running_stops()
    {
        using var cancellation = new CancellationTokenSource();
        Task<NodeIdentity> task = NodeIdentity.GenerateAsync(new CancellingRandom(cancellation), cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.True(task.IsCanceled);
    }

    [Fact]
    public async Task Generate_async_cancelled_before_never_starts() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => NodeIdentity.GenerateAsync(cancellationToken: new CancellationToken(canceled: true)));
}
