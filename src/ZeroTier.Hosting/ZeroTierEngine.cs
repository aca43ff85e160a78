namespace ZeroTier.Hosting;

/// <summary>The implementations of a ZeroTier node.</summary>
public enum ZeroTierEngine
{
    /// <summary>
    /// <see cref="Libzt"/> if its library loads, no other node of this process uses it, and no setting needs the managed engine; else
    /// <see cref="Managed"/>. The development network always runs on <see cref="Managed"/>. The choice and its reason are logged.
    /// </summary>
    Auto,

    /// <summary>The node in managed code: no native library, any number of nodes per process.</summary>
    Managed,

    /// <summary>
    /// The node of the native library libzt, which is not part of this package: without it, the start fails. One node per process. Does not
    /// support the development network.
    /// </summary>
    Libzt,
}
