using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>A socket that the loop polls, or that waits for a deadline. All members are used on the loop's thread only.</summary>
internal abstract class PolledSocket(SocketLoop loop, NetworkId network)
{
    // Consecutive spurious readiness events, see Spurious().
    private int _spurious;

    /// <summary>No deadline.</summary>
    internal const long Never = long.MaxValue;

    internal SocketLoop Loop => loop;

    internal NetworkId Network => network;

    /// <summary>The descriptor; null while there is none.</summary>
    internal Descriptor? Descriptor { get; private protected set; }

    /// <summary>The index in the <see cref="PollSet"/>, which sets it; -1 when not in the set.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>When <see cref="OnDeadline"/> is due, in milliseconds of the loop's clock. Set by the <see cref="PollSet"/>.</summary>
    internal long Deadline { get; set; } = Never;

    /// <summary>The time until which the socket is not polled, after too many spurious events or failures.</summary>
    internal long QuietUntil { get; private set; }

    /// <summary>The events to poll for.</summary>
    internal abstract PollEvents Interest { get; }

    /// <summary>
    /// False excludes the socket from polling. An empty interest would not, since <see cref="PollEvents.Error"/> is always reported and
    /// persists.
    /// </summary>
    internal virtual bool IsPolled => true;

    /// <summary>The earliest time at which something must happen without an event.</summary>
    internal virtual long NextDeadline => Never;

    /// <summary>
    /// Whether the socket may be closed early when descriptors are scarce. Rank 0 means never, else lower ranks are closed first; within a
    /// rank, the one with the earliest time.
    /// </summary>
    internal virtual (int Rank, long Since) Expendable => default;

    /// <summary>Closes the socket early.</summary>
    internal virtual void GiveUpEarly() => Close();

    /// <summary>
    /// Called with the events of a poll. <see cref="PollEvents.Error"/> may be set even if not in <see cref="Interest"/>.
    /// </summary>
    internal abstract void OnReady(PollEvents events);

    /// <summary>Called when <see cref="NextDeadline"/> has passed.</summary>
    internal virtual void OnDeadline()
    {
    }

    /// <summary>
    /// Called when the loop ends, the network is left, or an unexpected error occurred: the socket must close, at once or within a short
    /// deadline.
    /// </summary>
    internal abstract void End(ZeroTierException reason);

    /// <summary>Must be called after interest or deadline have changed.</summary>
    internal void Update()
    {
        if (Index < 0)
        {
            return;
        }

        bool quiet = QuietUntil > loop.Now;
        loop.Polled.Update(this, quiet || !IsPolled ? null : Interest, quiet ? Math.Min(QuietUntil, NextDeadline) : NextDeadline);
    }

    /// <summary>Called by the loop when the socket's time has come: the end of a quiet period, or its deadline.</summary>
    internal void Expire()
    {
        if (NextDeadline <= loop.Now)
        {
            OnDeadline();
        }

        Update();
    }

    /// <summary>Excludes the socket from polling for some time, so that a faulty readiness event cannot cause a busy loop.</summary>
    internal void BeQuiet(int milliseconds)
    {
        QuietUntil = loop.Now + milliseconds;
        Update();
    }

    /// <summary>
    /// To be called when a call would block although the poll reported readiness. After several in a row, the socket is paused for
    /// increasing times.
    /// </summary>
    internal void Spurious()
    {
        if (++_spurious > 8)
        {
            BeQuiet(Math.Min(1 << Math.Min(_spurious - 8, 5), 20));
        }
    }

    /// <summary>To be called when a call succeeded after the poll reported readiness.</summary>
    internal void Progress() => _spurious = 0;

    /// <summary>Removes the socket from the loop and closes the descriptor. Idempotent.</summary>
    internal virtual void Close()
    {
        loop.Remove(this);
        Descriptor?.Dispose();
        Descriptor = null;
    }
}
