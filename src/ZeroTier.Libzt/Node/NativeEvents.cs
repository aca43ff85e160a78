using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>Takes native events, on libzt's own thread.</summary>
internal interface INativeEventSink
{
    /// <summary>Something happened. Must return quickly.</summary>
    /// <param name="code">The native number; any value.</param>
    /// <param name="peer">What a peer event is about.</param>
    void OnNativeEvent(NativeEvent code, PeerInfo? peer);
}

/// <summary>
/// The process' single event callback. libzt keeps it forever, so it is never removed; its sink changes with each session.
/// </summary>
internal static unsafe class NativeEvents
{
    private static INativeEventSink? _sink;

    /// <summary>Registers the callback for the coming start.</summary>
    public static void Register(INativeEventSink sink, LibztLibrary library)
    {
        Volatile.Write(ref _sink, sink);
        library.KeepCallbackThread();
        Zts.InitSetEventHandler(&OnEvent);
    }

    /// <summary>From here on native events go nowhere.</summary>
    public static void Unregister(INativeEventSink sink) => Interlocked.CompareExchange(ref _sink, null, sink);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent(EventMessage* message)
    {
        try
        {
            if (message is not null && Volatile.Read(ref _sink) is { } sink)
            {
                // Copied here: the library frees it all when this returns. Nothing else of the message is looked at.
                var code = (NativeEvent)message->Code;
                bool isPeer = code is NativeEvent.PeerDirect or NativeEvent.PeerRelay or NativeEvent.PeerPathDiscovered
                    or NativeEvent.PeerPathDead;
                sink.OnNativeEvent(code, isPeer && message->Peer is not null ? *message->Peer : null);
            }
        }
        catch (Exception)
        {
            // An exception must not cross into native code. The state is polled, so nothing is lost with a hint.
        }
    }
}
