namespace Observability.Tests;

/// <summary>Not beside other tests: listeners of activities and meters hear the whole process.</summary>
[CollectionDefinition(nameof(ListenersOfTheProcess), DisableParallelization = true)]
public sealed class ListenersOfTheProcess;
