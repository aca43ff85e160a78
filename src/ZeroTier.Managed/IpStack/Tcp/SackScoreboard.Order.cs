namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>
/// The order of sending (RFC 8985, 5.3) of the segments whose fate is open: neither acknowledged in any way nor marked as lost. Loss
/// detection looks at the oldest of them only, so that its cost does not grow with the window.
/// </content>
internal sealed partial class SackScoreboard
{
    private const int None = -1;

    // Places in the ring.
    private int _oldest = None;
    private int _newest = None;

    private int IndexAt(int place) => place == None ? None : (place - _first) & (_ring.Length - 1);

    /// <summary>Adds a segment that is sent now, for the first time or again.</summary>
    private void Link(int index)
    {
        int place = (_first + index) & (_ring.Length - 1);
        ref Sent sent = ref _ring[place];
        (sent.Earlier, sent.Later) = (_newest, None);
        if (_newest == None)
        {
            _oldest = place;
        }
        else
        {
            _ring[_newest].Later = place;
        }

        _newest = place;
    }

    /// <summary>Removes a segment, which is acknowledged or lost.</summary>
    private void Unlink(int index)
    {
        ref Sent sent = ref At(index);
        if (sent.Earlier == None)
        {
            _oldest = sent.Later;
        }
        else
        {
            _ring[sent.Earlier].Later = sent.Later;
        }

        if (sent.Later == None)
        {
            _newest = sent.Earlier;
        }
        else
        {
            _ring[sent.Later].Earlier = sent.Earlier;
        }
    }

    /// <summary>Makes the order anew, after something has changed that is rare.</summary>
    private void LinkAll()
    {
        (_oldest, _newest) = (None, None);
        IEnumerable<int> open = Enumerable.Range(0, Count).Where(index => IsOpen(At(index)));
        foreach (int index in open.OrderBy(index => At(index).SentAt).ToArray())
        {
            Link(index);
        }
    }

    private static bool IsOpen(in Sent sent) => (sent.Flags & (SentFlags.Sacked | SentFlags.Lost)) == 0;
}
