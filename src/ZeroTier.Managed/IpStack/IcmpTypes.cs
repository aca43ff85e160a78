namespace ZeroTier.Managed.IpStack;

/// <summary>Numbers of RFC 792 and RFC 1812.</summary>
internal static class IcmpV4
{
    public const byte EchoReply = 0;
    public const byte Unreachable = 3;
    public const byte EchoRequest = 8;
    public const byte TimeExceeded = 11;
    public const byte ParameterProblem = 12;

    public const byte ProtocolUnreachable = 2;
    public const byte PortUnreachable = 3;
    public const byte FragmentationNeeded = 4;
    public const byte ReassemblyTime = 1;

    /// <summary>
    /// Unreachable, source quench, redirect, time exceeded, parameter problem: no error is sent about them (RFC 1122, 3.2.2).
    /// </summary>
    public static bool IsError(byte type) => type is Unreachable or 4 or 5 or TimeExceeded or ParameterProblem;
}

/// <summary>Numbers of RFC 4443 and RFC 4861.</summary>
internal static class IcmpV6
{
    public const byte Unreachable = 1;
    public const byte PacketTooBig = 2;
    public const byte TimeExceeded = 3;
    public const byte ParameterProblem = 4;
    public const byte EchoRequest = 128;
    public const byte EchoReply = 129;
    public const byte NeighborSolicitation = 135;
    public const byte NeighborAdvertisement = 136;

    public const byte PortUnreachable = 4;
    public const byte ReassemblyTime = 1;
    public const byte ErroneousHeader = 0;
    public const byte UnrecognizedNextHeader = 1;
    public const byte UnrecognizedOption = 2;

    /// <summary>RFC 4443, 2.1: the high bit of the type is clear in errors and set in informational messages.</summary>
    public static bool IsError(byte type) => type < 128;
}
