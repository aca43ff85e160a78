namespace ZeroTier.Simulation;

/// <summary>What code allocates on the thread that runs it, once it is warm.</summary>
public static class Allocations
{
    private const int Runs = 5;

    /// <summary>
    /// The least that one of several runs allocated, in bytes. The least, because the runtime itself may allocate on any thread at any
    /// time, when it replaces a method by a better one for example: once, not in every run.
    /// </summary>
    public static long Of(Action run)
    {
        run();
        long least = long.MaxValue;
        for (int i = 0; i < Runs && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
