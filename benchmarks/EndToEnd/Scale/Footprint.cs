using System.Diagnostics;

namespace EndToEnd.Scale;

/// <summary>The memory of this process after a full garbage collection, in bytes.</summary>
/// <param name="Heap">Objects on the managed heap.</param>
/// <param name="Resident">Pages in physical memory.</param>
internal readonly record struct Footprint(long Heap, long Resident)
{
    private const int FewestToTell = 100;

    public static Footprint Take()
    {
        // The second collection frees what the finalizers of the first one released.
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        using var process = Process.GetCurrentProcess();
        return new Footprint(GC.GetTotalMemory(forceFullCollection: false), process.WorkingSet64);
    }

    /// <summary>
    /// KiB of heap and of resident memory for each of some units that were added since <paramref name="before"/>; NaN for few units, whose
    /// memory is not more than what the runtime itself takes and gives back.
    /// </summary>
    public (double Heap, double Resident) EachSince(in Footprint before, int units) => units < FewestToTell
        ? (double.NaN, double.NaN)
        : ((Heap - before.Heap) / 1024.0 / units, (Resident - before.Resident) / 1024.0 / units);
}
