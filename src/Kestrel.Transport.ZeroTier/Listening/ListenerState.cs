namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>The states of a listener.</summary>
/// <remarks>
/// <code>
///              network ready, engine listens
///   Waiting ────────────────────────────────────► Attached
///      ▲                                             │
///      └─────────────────────────────────────────────┘
///         network left, node stopped, accept failed
///
///   Waiting, Attached ── UnbindAsync or DisposeAsync ──► Unbound
/// </code>
/// BindAsync makes the first attempt; from then on only the pending AcceptAsync moves between Waiting and Attached. Unbound is final and
/// may be set by any thread at any time.
/// </remarks>
internal enum ListenerState
{
    /// <summary>The network cannot carry traffic now; the accept stays pending.</summary>
    Waiting,

    /// <summary>The engine listens.</summary>
    Attached,

    /// <summary>Closed for good.</summary>
    Unbound,
}
