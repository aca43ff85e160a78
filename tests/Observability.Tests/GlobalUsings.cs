// Listeners of activities and meters are those of the process.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
