using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>Something that the loop polls, or that waits for a time. All members belong to the loop's thread.</summary>
internal abstract class PolledSocket(SocketLoop loop, NetworkId network)
{
    // Consecutive spurious readiness events, see Spurious().
    private int _spurious;

    /// <summary>No deadline.</summary>
    internal const long Never = long.MaxValue;

    internal SocketLoop Loop => loop;

    internal NetworkId Network => network;

    /// <summary>The socket; null while there is none.</summary>
    internal Descriptor? Descriptor { get; private protected set; }

    /// <summary>The place in the <see cref="PollSet"/>, or -1. Kept by that.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>When <see cref="OnDeadline"/> is due, in milliseconds of the loop's clock. Kept by the <see cref="PollSet"/>.</summary>
    internal long Deadline { get; set; } = Never;

    /// <summary>Until when the socket is not polled, after too many spurious events or failures.</summary>
    internal long QuietUntil { get; private set; }

    /// <summary>What to poll for when nothing is wrong.</summary>
    internal abstract PollEvents Interest { get; }

    /// <summary>
    /// False: libzt is not asked at all. No interest is not enough for that, since <see cref="PollEvents.Error"/> comes unasked, and stays.
    /// </summary>
    internal virtual bool IsPolled => true;

    /// <summary>The earliest time at which something must happen without an event.</summary>
    internal virtual long NextDeadline => Never;

    /// <summary>Whether it may be closed early when sockets are scarce: 0 is never, lower ranks go first. And since when.</summary>
    internal virtual (int Rank, long Since) Expendable => default;

    /// <summary>Closes early.</summary>
    internal virtual void GiveUpEarly() => Close();

    /// <summary>libzt reports something. <see cref="PollEvents.Error"/> comes unasked.</summary>
    internal abstract void OnReady(PollEvents events);

    /// <summary><see cref="NextDeadline"/> is over.</summary>
    internal virtual void OnDeadline()
    {
    }

    /// <summary>
    /// The loop ends, the network is left, or something went wrong that should not: the socket must close, at once or within its own short
    /// deadline.
    /// </summary>
    internal abstract void End(ZeroTierException reason);

    /// <summary>Interest or deadline have changed.</summary>
    internal void Update()
    {
        if (Index < 0)
        {
            return;
        }

        bool quiet = QuietUntil > loop.Now;
        loop.Polled.Update(this, quiet || !IsPolled ? null : Interest, quiet ? Math.Min(QuietUntil, NextDeadline) : NextDeadline);
    }

    /// <summary>Called by the loop: ends a quiet time, or hands the deadline on.</summary>
    internal void Expire()
    {
        if (NextDeadline <= loop.Now)
        {
            OnDeadline();
        }

        Update();
    }

    /// <summary>Excludes the socket from polling for a while, so that a faulty readiness event cannot cause a busy loop.</summary>
    internal void BeQuiet(int milliseconds)
    {
        QuietUntil = loop.Now + milliseconds;
        Update();
    }

    /// <summary>
    /// A call found nothing although the poll reported readiness. After the first few, the socket is paused for growing times.
    /// </summary>
    internal void Spurious()
    {
        if (++_spurious > 8)
        {
            BeQuiet(Math.Min(1 << Math.Min(_spurious - 8, 5), 20));
        }
    }

    /// <summary>A call succeeded after the poll reported readiness.</summary>
    internal void Progress() => _spurious = 0;

    /// <summary>Leaves the loop and closes the descriptor. Idempotent.</summary>
    internal virtual void Close()
    {
        loop.Remove(this);
        Descriptor?.Dispose();
        Descriptor = null;
    }
}
