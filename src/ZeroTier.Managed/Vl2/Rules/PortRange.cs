namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>The TCP ports to which a network allows connections.</summary>
internal readonly record struct PortRange(ushort First, ushort Last)
{
    public static PortRange All { get; } = new(0, ushort.MaxValue);

    public bool IsAll => First <= 1 && Last == ushort.MaxValue;

    public bool Contains(int port) => port >= First && port <= Last;
}
