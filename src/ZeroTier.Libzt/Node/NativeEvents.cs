using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>Receives native events on libzt's own thread.</summary>
internal interface INativeEventSink
{
    /// <summary>Called for each event. Must return quickly.</summary>
    /// <param name="code">The native event number; may be any value.</param>
    /// <param name="peer">The peer of a peer event; else null.</param>
    void OnNativeEvent(NativeEvent code, PeerInfo? peer);
}

/// <summary>
/// The only event callback of the process. libzt keeps it until the process ends, so it is never removed; its sink changes with each
/// session.
/// </summary>
internal static unsafe class NativeEvents
{
    private static INativeEventSink? _sink;

    /// <summary>Registers the callback for the next start.</summary>
    public static void Register(INativeEventSink sink, LibztLibrary library)
    {
        Volatile.Write(ref _sink, sink);
        library.KeepCallbackThread();
        Zts.InitSetEventHandler(&OnEvent);
    }

    /// <summary>Native events are ignored from now on.</summary>
    public static void Unregister(INativeEventSink sink) => Interlocked.CompareExchange(ref _sink, null, sink);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent(EventMessage* message)
    {
        try
        {
            if (message is not null && Volatile.Read(ref _sink) is { } sink)
            {
                // Copied here, because the library frees the message when this returns. Other fields of it are never read.
                var code = (NativeEvent)message->Code;
                bool isPeer = code is NativeEvent.PeerDirect or NativeEvent.PeerRelay or NativeEvent.PeerPathDiscovered
                    or NativeEvent.PeerPathDead;
                sink.OnNativeEvent(code, isPeer && message->Peer is not null ? *message->Peer : null);
            }
        }
        catch (Exception)
        {
            // An exception must not propagate into native code. The state is polled anyway, so a lost event costs nothing.
        }
    }
}
