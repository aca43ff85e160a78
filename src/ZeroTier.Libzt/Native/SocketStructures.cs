using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

/// <summary><c>zts_pollfd</c>. A negative descriptor is ignored.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    internal int Descriptor;
    internal PollEvents Events;
    internal PollEvents Returned;
}

/// <summary>
/// <c>zts_linger</c>. On with 0 seconds makes a close reset the connection; seconds above 0 make a close of a non-blocking descriptor fail.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Linger
{
    internal int IsOn;
    internal int Seconds;
}
