namespace ZeroTier.Managed.Tests;

/// <summary>Not beside other tests: what is counted here (memory, descriptors, threads) belongs to the whole process.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;
