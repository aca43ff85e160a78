using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

/// <summary>
/// <c>zts_event_msg_t</c>: the argument of the event callback. The library frees it, and all that it points to, when the callback returns.
/// </summary>
/// <remarks><c>Cache</c> points to memory of another thread and is never read (docs/protocol/4-libzt-api.md 7.1).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct EventMessage
{
    internal short Code;
    internal void* Node;
    internal void* Network;
    internal void* Interface;
    internal void* Route;
    internal PeerInfo* Peer;
    internal void* Address;
    internal void* Cache;
    internal int Length;
}

/// <summary>The part of <c>zts_peer_info_t</c> (7,720 bytes in all) that libzt initialises; the rest is undefined (section 7.2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeerInfo
{
    internal ulong Id;

    /// <summary>-1 when unknown.</summary>
    internal int Major;
    internal int Minor;
    internal int Revision;

    /// <summary>Milliseconds; -1 when unknown.</summary>
    internal int Latency;
    internal int Role;
}

/// <summary>Native events that the engine evaluates. Every other one only triggers a poll of the state (section 7.2).</summary>
internal enum NativeEvent : short
{
    NodeUp = 200,
    NodeOnline = 201,
    NodeOffline = 202,
    PeerDirect = 240,
    PeerRelay = 241,
    PeerPathDiscovered = 243,
    PeerPathDead = 244,
}
