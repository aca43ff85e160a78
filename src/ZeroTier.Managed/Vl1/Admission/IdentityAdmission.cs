using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// Admits unknown nodes with a bounded processor load: all but the cheapest checks run one at a time on a timer's thread, never on a
/// receive thread.
/// </summary>
/// <remarks>
/// <code>
///  HELLO ──▶ queue ──▶ key agreement, MAC ──▶ below a global rate ─────────────▶ queue ──▶ proof of work ──▶ peer
///            (bounded, random replacement)  └▶ else: HELLO to its address, OK ─▶ (bounded, random replacement)
///                                                    (rate limit per prefix)
/// </code>
/// <para>
/// The MAC of a HELLO can be checked only after a key agreement, which costs a hundredth of checking the identity's proof of work. An
/// attacker can make a valid MAC with an identity whose proof of work is wrong, and can forge any source address. So beyond a few HELLOs
/// per second, the source address of an unknown node is validated first (RFC 9000, 8.1): we send it a HELLO, which every node answers with
/// OK, also ZeroTierOne 1.12. HELLOs with forged addresses then never reach the proof-of-work check, and real addresses are limited by
/// prefix.
/// </para>
/// <para>The proof of work of a node in the peer cache is not checked again: when all clients of a restarted root return at once, more of
/// them come than are restored on the receive threads.</para>
/// <para>Each kind of check has a <see cref="CoreBudget"/> of its own. Thread-safe; its lock is taken under the node's control lock and
/// never around it.</para>
/// </remarks>
internal sealed class IdentityAdmission : IDisposable
{
    private readonly Lock _lock = new();
    private readonly NodeIdentity _self;
    private readonly IAdmissionHost _host;
    private readonly IdentityChecks _checks;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly RandomSource _random;
    private readonly DropCounters _drops;
    private readonly FairQueue<WaitingHello> _hellos;
    private readonly FairQueue<Newcomer> _proofs;
    private readonly ChallengeTable _challenged;
    private readonly PrefixLimits _prefixes;
    private TokenBucket _unchallenged;
    private CoreBudget _agreementTime = new(Vl1Limits.AgreementShare, Vl1Limits.AdmissionBurst);
    private CoreBudget _proofTime = new(Vl1Limits.ProofShare, Vl1Limits.AdmissionBurst);
    private bool _working;

    // Created at the first use: most nodes that are not roots never receive a HELLO of an unknown node.
    private ITimer? _timer;

    // Simulations only, where the clock stands still during a check: the part of its cost by which the clock must still advance.
    private TimeSpan _unpassed;
    private volatile bool _disposed;

    public IdentityAdmission(
        NodeIdentity self, IAdmissionHost host, IdentityChecks checks, TimeProvider time, RandomSource random, DropCounters drops)
    {
        _self = self;
        _host = host;
        _checks = checks;
        _time = time;
        _start = time.GetTimestamp();
        _random = random;
        _drops = drops;
        _hellos = new FairQueue<WaitingHello>(Vl1Limits.WaitingHellos, random);
        _proofs = new FairQueue<Newcomer>(Vl1Limits.WaitingProofs, random);
        _challenged = new ChallengeTable(Vl1Limits.ChallengedNewcomers, random);
        _prefixes = new PrefixLimits(random);
    }

    /// <summary>Number of HELLOs and newcomers that wait for a check.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _hellos.Count + _proofs.Count;
            }
        }
    }

    /// <summary>Number of newcomers that were challenged and have not answered.</summary>
    public int Challenged
    {
        get
        {
            lock (_lock)
            {
                return _challenged.Count;
            }
        }
    }

    private TimeSpan Elapsed => _time.GetElapsedTime(_start);

    private long Now => (long)Elapsed.TotalMilliseconds;

    /// <summary>Queues a copy of a HELLO whose sender is unknown, or known with another identity.</summary>
    public void Add(NodeId source, ReadOnlySpan<byte> packet, in PacketInfo info)
    {
        lock (_lock)
        {
            if (_disposed || packet.Length > Vl1Limits.LongestFirstHello || _challenged.IsPending(source, info.Source, Now))
            {
                _drops.Add(DropReason.HelloGate);
                return;
            }

            byte[] buffer = ArrayPool<byte>.Shared.Rent(packet.Length);
            packet.CopyTo(buffer);
            if (_hellos.Add(new WaitingHello(buffer, packet.Length, info), out var replaced))
            {
                _drops.Add(DropReason.HelloGate);
                ArrayPool<byte>.Shared.Return(replaced.Buffer);
            }

            StartWorking();
        }
    }

    /// <summary>
    /// Handles an encrypted packet of an unknown node if it comes from a challenged newcomer, whether it is the answer to the challenge or
    /// not. False if it does not.
    /// </summary>
    public bool TryTakeAnswer(NodeId source, Span<byte> packet, in PacketInfo info)
    {
        lock (_lock)
        {
            if (_challenged.Find(source, info.Source) is not { } newcomer)
            {
                return false;
            }

            if (!newcomer.Keys.TryOpen(packet))
            {
                _drops.Add(DropReason.Mac);
            }
            else if (!Answers(packet, newcomer.Challenge))
            {
                _drops.Add(DropReason.UnknownSource);
            }
            else
            {
                _challenged.Remove(newcomer);
                newcomer.HasAnswered = true;
                if (_prefixes.TryTake(info.Source, byPort: info.Source.IsLoopback, Now))
                {
                    AddProof(newcomer);
                }
                else
                {
                    _drops.Add(DropReason.HelloGate);
                    newcomer.Dispose();
                }
            }

            return true;
        }
    }

    /// <summary>Removes newcomers that did not answer in time. Called regularly.</summary>
    public void Expire()
    {
        lock (_lock)
        {
            _challenged.Expire(Now);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
            while (_hellos.TryTake(out var hello))
            {
                ArrayPool<byte>.Shared.Return(hello.Buffer);
            }

            while (_proofs.TryTake(out var newcomer))
            {
                newcomer.Dispose();
            }

            _challenged.Expire(long.MaxValue);
        }
    }

    private static bool Answers(ReadOnlySpan<byte> packet, ulong challenge)
    {
        var payload = packet[PacketHeader.Size..];
        return (Verb)packet[PacketHeader.VerbOffset] == Verb.Ok && payload.Length >= 9 && (Verb)payload[0] == Verb.Hello
            && BinaryPrimitives.ReadUInt64BigEndian(payload[1..]) == challenge;
    }

    private void AddProof(Newcomer newcomer)
    {
        if (_proofs.Add(newcomer, out var replaced))
        {
            _drops.Add(DropReason.HelloGate);
            replaced.Dispose();
        }

        StartWorking();
    }

    private void StartWorking()
    {
        if (!_working)
        {
            _working = true;
            _timer ??= _time.CreateTimer(
                static admission => ((IdentityAdmission)admission!).Run(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    // Runs checks until none are left or the budgets require a pause. One thread at a time: the timer is set again only at the end.
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "What a stranger sent must never end the process; the failure is logged and counted.")]
    private void Run()
    {
        while (TryBegin(out var hello, out var newcomer))
        {
            try
            {
                if (newcomer is null)
                {
                    CheckHello(hello);
                }
                else
                {
                    CheckProof(newcomer);
                }
            }
            catch (ObjectDisposedException) when (_disposed)
            {
                // The node, and with it the private key, was disposed of during the check.
            }
            catch (Exception exception)
            {
                _host.OnFailed(exception);
            }

            if (_unpassed > TimeSpan.Zero)
            {
                var rest = _unpassed;
                _unpassed = TimeSpan.Zero;
                SetTimer(rest);
                return;
            }
        }
    }

    // The next piece of work: a newcomer whose proof of work is to be checked, or else a HELLO.
    private bool TryBegin(out WaitingHello hello, out Newcomer? newcomer)
    {
        hello = default;
        newcomer = null;
        lock (_lock)
        {
            var now = Elapsed;
            var agreement = _hellos.Count > 0 ? _agreementTime.Wait(now) : TimeSpan.MaxValue;
            var proof = _proofs.Count > 0 ? _proofTime.Wait(now) : TimeSpan.MaxValue;
            var wait = agreement < proof ? agreement : proof;
            if (_disposed || wait == TimeSpan.MaxValue)
            {
                _working = false;
                return false;
            }

            if (wait > TimeSpan.Zero)
            {
                // Rounded up to the resolution of timers: a delay below 1 ms would become 0.
                _timer!.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
                return false;
            }

            // If both kinds may run, the one that has used less of its share.
            bool agreementFirst = proof > TimeSpan.Zero || (agreement <= TimeSpan.Zero && _agreementTime.PaidAt <= _proofTime.PaidAt);
            return agreementFirst ? _hellos.TryTake(out hello) : _proofs.TryTake(out newcomer);
        }
    }

    private void Charge(IdentityCheck check, TimeSpan started)
    {
        var measured = Elapsed - started;
        var cost = _checks.CostOf(check, measured);
        lock (_lock)
        {
            (check == IdentityCheck.Agreement ? ref _agreementTime : ref _proofTime).Spend(cost, Elapsed);
        }

        _unpassed = cost - measured;
    }

    private void SetTimer(TimeSpan due)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _timer!.Change(due, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void CheckHello(in WaitingHello waiting)
    {
        try
        {
            var packet = waiting.Buffer.AsSpan(0, waiting.Length);
            if (!HelloMessage.TryRead(packet[PacketHeader.Size..], out var hello))
            {
                _drops.Add(DropReason.Malformed);
                return;
            }

            var known = _host.FindPeer(hello.Identity.Address);
            if (known is not null && known.Identity.Equals(hello.Identity))
            {
                // The node had sent HELLO again, and became a peer by the other copy.
                _host.OnHelloOfPeer(known, hello, packet, waiting.Info);
                return;
            }

            var started = Elapsed;
            var keys = _checks.Agree(_self, hello.Identity);
            Charge(IdentityCheck.Agreement, started);
            if (keys is null)
            {
                _drops.Add(DropReason.HelloIdentity);
                return;
            }

            var newcomer = new Newcomer(hello, keys, waiting.Info);
            if (!keys.TryOpen(packet))
            {
                _drops.Add(DropReason.Mac);
                newcomer.Dispose();
            }
            else if (known is not null)
            {
                _host.OnCollision(newcomer);
                newcomer.Dispose();
            }
            else if (Challenges(newcomer))
            {
                _host.SendChallenge(newcomer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(waiting.Buffer);
        }
    }

    // Decides whether the newcomer is challenged. False when its proof of work may be checked without that.
    private bool Challenges(Newcomer newcomer)
    {
        lock (_lock)
        {
            long now = Now;
            if (_disposed)
            {
                newcomer.Dispose();
                return false;
            }

            if (_unchallenged.TryTake(Vl1Limits.UnchallengedNewcomers, now))
            {
                AddProof(newcomer);
                return false;
            }

            // Registered before it is sent: the answer may arrive before this thread continues.
            newcomer.Challenge = _random.NextUInt64();
            newcomer.ChallengedAt = now;
            _challenged.Add(newcomer)?.Dispose();
            return true;
        }
    }

    private void CheckProof(Newcomer newcomer)
    {
        if (_host.FindPeer(newcomer.Identity.Address) is { } known
            ? !known.Identity.Equals(newcomer.Identity)
            : !_host.IsCached(newcomer.Identity) && !IsValid(newcomer.Identity))
        {
            _drops.Add(DropReason.HelloIdentity);
            newcomer.Dispose();
            return;
        }

        _host.Admit(newcomer);
    }

    private bool IsValid(NodeIdentity identity)
    {
        var started = Elapsed;
        bool valid = _checks.IsValid(identity);
        Charge(IdentityCheck.ProofOfWork, started);
        return valid;
    }

    private readonly record struct WaitingHello(byte[] Buffer, int Length, PacketInfo Info);
}
