namespace Kestrel.Transport.ZeroTier;

/// <summary>Which implementation of a ZeroTier node runs.</summary>
public enum ZeroTierEngine
{
    /// <summary>The best one that this build has; today <see cref="Managed"/>.</summary>
    Auto,

    /// <summary>The node in managed code: no native library, any number of nodes per process.</summary>
    Managed,

    /// <summary>The node of the native library libzt. Not supported yet: choosing it fails at start.</summary>
    Libzt,
}
