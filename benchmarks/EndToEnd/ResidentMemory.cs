namespace EndToEnd;

/// <summary>The resident memory of this process.</summary>
internal static class ResidentMemory
{
    /// <summary>Bytes after a full garbage collection.</summary>
    public static long AfterCollection()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet;
    }
}
