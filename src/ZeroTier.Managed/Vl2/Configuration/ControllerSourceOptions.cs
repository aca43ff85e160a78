namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>What a <see cref="ControllerSource"/> is made of.</summary>
internal sealed class ControllerSourceOptions
{
    /// <summary>The dictionary of an earlier run; empty for none.</summary>
    public ReadOnlyMemory<byte> Stored { get; init; }

    /// <summary>The members that news are passed on to.</summary>
    public required Func<IEnumerable<NodeId>> KnownMembers { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;
}
