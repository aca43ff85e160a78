namespace ZeroTier.Hosting;

/// <summary>Which implementation of a ZeroTier node runs.</summary>
public enum ZeroTierEngine
{
    /// <summary>
    /// <see cref="Libzt"/> where its library loads and no other node of this process runs on it, else <see cref="Managed"/>. The
    /// development network always runs on <see cref="Managed"/>. A log line says which one it is, and why.
    /// </summary>
    Auto,

    /// <summary>The node in managed code: no native library, any number of nodes per process.</summary>
    Managed,

    /// <summary>
    /// The node of the native library libzt, which is not part of this package; without it the start fails. One node per process. Not for
    /// the development network.
    /// </summary>
    Libzt,
}
