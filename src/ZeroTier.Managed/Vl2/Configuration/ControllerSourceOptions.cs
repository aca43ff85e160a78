namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>Options and dependencies of a <see cref="ControllerSource"/>.</summary>
internal sealed class ControllerSourceOptions
{
    /// <summary>The configuration dictionary stored by an earlier run; empty for none.</summary>
    public ReadOnlyMemory<byte> Stored { get; init; }

    /// <summary>The members to which chunks with fast propagation are forwarded.</summary>
    public required Func<IEnumerable<NodeId>> KnownMembers { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public RandomSource Random { get; init; } = RandomSource.System;
}
