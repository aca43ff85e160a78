namespace ZeroTier.Managed.Tests.Identity;

/// <summary>Cancels in the middle of the first draw: a search must notice before the next one.</summary>
internal sealed class CancellingRandom(CancellationTokenSource cancellation) : RandomSource
{
    public override void Fill(Span<byte> destination)
    {
        cancellation.Cancel();
        destination.Fill(7);
    }
}
