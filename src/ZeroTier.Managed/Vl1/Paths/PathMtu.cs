using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>
/// Path MTU discovery for one path by probing (RFC 8899), without ICMP. The state machine only: it takes times and answers, and gives sizes
/// to probe. A size is bytes of UDP payload.
/// </summary>
/// <remarks>
/// <code>
///      first use, or the path has changed
///                  │
///                  ▼    1,432 answered; or lost, and 1,232 answered
///      ┌────────▶ Base ─────────────────────────────────▶ Searching
///      │         1,232                                    ▲  ▲   │
///      │           │                                      │  │   │
///      │           │ 1,232 lost                           │  │   │ nothing left to try
///      │           ▼                                      │  │   ▼
///      │         Error ─────────── 1,232 answered ────────┘  └── Complete
///      │          548                            every ten minutes │
///      └───────────────────────────────────────────────────────────┘
///                  probes of the size in use are lost: a black hole
/// </code>
/// <para>
/// In Base, datagrams have a size that every IPv6 path carries; the usual size is probed first, so that a usual path is found within one
/// round trip. A path that carries it is then asked for the largest size, and no other between the two: few paths are in between, and a
/// system refuses to send what its own link does not carry. Below the usual size the search halves what is left. In Complete, the size in
/// use is probed periodically, and immediately when the layer above reports missing answers. A size counts as lost after three unanswered
/// probes, but only if something was received from the peer in the meantime: otherwise the path may be dead, which says nothing about
/// sizes.
/// </para>
/// <para>Guarded by the node's control lock, but for <see cref="Size"/>, <see cref="Expected"/> and <see cref="IsDue"/>, which senders read
/// without it.</para>
/// </remarks>
internal sealed class PathMtu
{
    /// <summary>
    /// BASE_PLPMTU: the size that every IPv6 path carries, its minimum MTU of 1,280 bytes without the headers of IPv6 and UDP.
    /// </summary>
    public const int Base = 1280 - 40 - 8;

    /// <summary>The size that other nodes use on every path.</summary>
    public const int Usual = Fragments.Mtu;

    /// <summary>
    /// MAX_PLPMTU: the largest size, on networks with jumbo frames and inside a machine. It carries a frame of 2,800 bytes, the MTU of most
    /// virtual networks, in one datagram; each packet costs the same, whatever its length.
    /// </summary>
    public const int Max = 2852;

    /// <summary>
    /// MIN_PLPMTU: the size that every IPv4 host accepts, 576 bytes without headers; for the rare paths that do not carry
    /// <see cref="Base"/>.
    /// </summary>
    public const int Min = 576 - 20 - 8;

    private const int Step = 16;
    private const int MaxProbes = 3;

    private volatile State _state;
    private volatile int _size = Base;
    private long _dueAt = Vl1Timing.Never;
    private long _raiseAt;
    private long _answeredAt = Vl1Timing.Never;
    private long _roundTrip;
    private int _ceiling = Max;
    private Probes _probes;
    private int _sent;

    private enum State
    {
        Base,
        Searching,
        Complete,
        Error,
    }

    /// <summary>PLPMTU: the largest datagram that may be sent now.</summary>
    public int Size => _size;

    /// <summary>
    /// The size that the reverse direction is expected to carry: <see cref="Max"/>, unless the path turned out to carry less than
    /// <see cref="Usual"/>. Up to that, the peer is expected to choose a size, or to fragment, by itself.
    /// </summary>
    public int Expected => _state is State.Complete or State.Error && _size < Usual ? _size : Max;

    /// <summary>The size that is being probed; 0 for none.</summary>
    public int Probing { get; private set; }

    /// <summary>
    /// The probe sent last was a repetition. A small packet should be sent as well: its answer tells a path with a small MTU from a dead
    /// one.
    /// </summary>
    public bool IsRepeating => _sent > 1;

    /// <summary>
    /// Whether the path should be probed, given the size of a datagram that is sent on it now. Once discovery is complete, small datagrams
    /// cause no probes.
    /// </summary>
    public bool IsDue(int datagram, long now) => now >= Volatile.Read(ref _dueAt) && (datagram >= Base || _state != State.Complete);

    /// <summary>The size to probe now; 0 for none. When the caller has sent the probe, it calls <see cref="OnSent"/>.</summary>
    /// <param name="now">The time.</param>
    /// <param name="lastHeard">When anything was last received from the peer.</param>
    public int Next(long now, long lastHeard)
    {
        if (now < _dueAt)
        {
            return 0;
        }

        if (Probing != 0)
        {
            if (_sent < MaxProbes)
            {
                return Probing;
            }

            if (lastHeard < _probes[1].SentAt)
            {
                End(now + Vl1Timing.MtuSilence);
                return 0;
            }

            OnLost(now);
        }

        if (now >= _dueAt)
        {
            Probing = Choose(now);
        }

        return Probing;
    }

    /// <summary>The probe that <see cref="Next"/> asked for was sent.</summary>
    public void OnSent(ulong packetId, long now)
    {
        _probes[_sent++] = new Probe(packetId, now);
        SetDue(now + (_roundTrip == 0 ? Vl1Timing.MtuProbe : Math.Clamp(4 * _roundTrip, Vl1Timing.MtuProbeMin, Vl1Timing.MtuProbeMax)));
    }

    /// <summary>A HELLO was answered. True if it was a probe; the caller then continues with <see cref="Next"/>.</summary>
    public bool OnAnswer(ulong packetId, long now)
    {
        int answered = 0;
        while (answered < _sent && _probes[answered].PacketId != packetId)
        {
            answered++;
        }

        if (answered == _sent)
        {
            return false;
        }

        _roundTrip = Math.Max(1, now - _probes[answered].SentAt);
        _answeredAt = now;
        bool searched = _state != State.Complete;
        _size = Math.Max(_size, Probing);
        End(now);
        if (searched && Larger() != 0)
        {
            _state = State.Searching;
            return true;
        }

        if (searched)
        {
            _raiseAt = now + Vl1Timing.MtuRaise;
        }

        _state = State.Complete;
        SetDue(now + Vl1Timing.MtuConfirm);
        return true;
    }

    /// <summary>
    /// The operating system refused a datagram of this size. A probe counts as lost without waiting for an answer; a size in use is given
    /// up. True if the caller should continue with <see cref="Next"/>.
    /// </summary>
    public bool OnRefused(int size, long now)
    {
        if (Probing == size)
        {
            OnLost(now);
            return true;
        }

        if (Probing != 0 || size <= Base || size > _size)
        {
            return false;
        }

        Restart(now);
        return true;
    }

    /// <summary>The layer above suspects that large packets are lost. True if a probe should be sent now.</summary>
    public bool Doubt(long now)
    {
        if (_state != State.Complete || Probing != 0 || now - _answeredAt < Vl1Timing.MtuProbe)
        {
            return false;
        }

        SetDue(now);
        return true;
    }

    /// <summary>The probe could not be sent: tries again after <see cref="Vl1Timing.MtuProbe"/>.</summary>
    public void Postpone(long now) => End(now + Vl1Timing.MtuProbe);

    /// <summary>The path has changed: discovery starts again.</summary>
    public void Reset()
    {
        Restart(Vl1Timing.Never);
        _roundTrip = 0;
    }

    private int Choose(long now)
    {
        switch (_state)
        {
            case State.Base:
                return _ceiling >= Usual ? Usual : Base;
            case State.Error:
                _ceiling = Max;
                return Base;
            case State.Complete when _size == Max || now < _raiseAt:
                return _size;
            case State.Complete:
                _state = State.Searching;
                _ceiling = Max;
                break;
        }

        return Larger();
    }

    // The next size to try above the one in use; 0 when there is nothing left to try.
    private int Larger()
    {
        if (_size >= Usual)
        {
            return _ceiling >= Max && _size < Max ? Max : 0;
        }

        return _ceiling >= Usual ? Usual
            : _ceiling - _size >= Step ? (_size + _ceiling + 1) / 2
            : 0;
    }

    private void OnLost(long now)
    {
        int lost = Probing;
        End(now);
        if (lost > _size)
        {
            if (_state == State.Error)
            {
                SetDue(now + Vl1Timing.MtuError);
                return;
            }

            _ceiling = lost - 1;
            if (_state == State.Searching && Larger() == 0)
            {
                _state = State.Complete;
                _raiseAt = now + Vl1Timing.MtuRaise;
                SetDue(now + Vl1Timing.MtuConfirm);
            }
        }
        else if (lost > Base)
        {
            Restart(now);
        }
        else
        {
            _size = Min;
            _state = State.Error;
            SetDue(now + Vl1Timing.MtuError);
        }
    }

    private void Restart(long due)
    {
        _state = State.Base;
        _size = Base;
        _ceiling = Max;
        End(due);
    }

    private void End(long due)
    {
        Probing = 0;
        _sent = 0;
        SetDue(due);
    }

    private void SetDue(long at) => Volatile.Write(ref _dueAt, at);

    private readonly record struct Probe(ulong PacketId, long SentAt);

    // The probes of the current size; a late answer to an earlier one counts as well.
    [InlineArray(MaxProbes)]
    private struct Probes
    {
        private Probe _first;
    }
}
