using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>
/// A member that is to be told its configuration, because it asked or because something changed; or an unknown node that asked.
/// </summary>
/// <param name="Member">The member; null for an unknown node.</param>
/// <param name="Request">What it asked; null for a change.</param>
internal readonly record struct WorkItem(MemberState? Member, ControllerRequest? Request);

/// <summary>
/// Who is to be served, between the receive threads and the one worker. A known member stands in it once, whatever it sends, so the
/// members' part has a bound and no member can crowd out another. Unknown nodes share a small part; when it is full a random one gives way,
/// so that a flood cannot keep the others out for ever. Thread-safe.
/// </summary>
internal sealed class WorkQueue(RandomSource random)
{
    public const int MaxUnknown = 256;

    private const int MembersPerBatch = 48;
    private const int UnknownPerBatch = 16;

    private readonly Lock _lock = new();
    private readonly Queue<MemberState> _members = [];
    private readonly List<ControllerRequest> _unknown = [];
    private readonly HashSet<(NetworkId, NodeId)> _waiting = [];
    private readonly HashSet<MemberState> _untold = [];
    private bool _isWorking;

    /// <summary>Adds a member.</summary>
    /// <param name="member">The member.</param>
    /// <param name="request">What it asked, in place of what it asked before; null for a change.</param>
    /// <returns>True when the caller has to start the worker.</returns>
    public bool Add(MemberState member, ControllerRequest? request)
    {
        lock (_lock)
        {
            member.Waiting = request ?? member.Waiting;
            if (!member.IsQueued)
            {
                member.IsQueued = true;
                _members.Enqueue(member);
            }

            return Start();
        }
    }

    /// <summary>Adds the request of an unknown node.</summary>
    /// <param name="request">The request.</param>
    /// <param name="dropped">True when it, or another one in its place, was dropped.</param>
    /// <returns>True when the caller has to start the worker.</returns>
    public bool AddUnknown(ControllerRequest request, out bool dropped)
    {
        lock (_lock)
        {
            dropped = false;
            if (!_waiting.Add(KeyOf(request)))
            {
                dropped = true;
                return false;
            }

            if (_unknown.Count < MaxUnknown)
            {
                _unknown.Add(request);
            }
            else
            {
                int victim = random.Next(MaxUnknown);
                _waiting.Remove(KeyOf(_unknown[victim]));
                _unknown[victim] = request;
                dropped = true;
            }

            return Start();
        }
    }

    /// <summary>Takes some; when nobody waits, the worker has to end, and the next one who adds starts it again.</summary>
    public bool TryTake([NotNullWhen(true)] out List<WorkItem>? batch)
    {
        lock (_lock)
        {
            batch = null;
            if (_members.Count == 0 && _unknown.Count == 0)
            {
                _isWorking = false;
                return false;
            }

            batch = [];
            while (batch.Count < MembersPerBatch && _members.TryDequeue(out MemberState? member))
            {
                batch.Add(new WorkItem(member, member.Waiting));
                member.IsQueued = false;
                member.Waiting = null;
            }

            int count = Math.Min(UnknownPerBatch, _unknown.Count);
            foreach (ControllerRequest request in _unknown[..count])
            {
                _waiting.Remove(KeyOf(request));
                batch.Add(new WorkItem(null, request));
            }

            _unknown.RemoveRange(0, count);
            return true;
        }
    }

    /// <summary>Puts changes of a batch that could not be served aside, until <see cref="Resume"/>. Nodes that asked ask again.</summary>
    public void SetAside(IEnumerable<WorkItem> items)
    {
        lock (_lock)
        {
            foreach (WorkItem item in items)
            {
                if (item is { Member: { } member, Request: null })
                {
                    _untold.Add(member);
                }
            }
        }
    }

    /// <summary>Adds what was set aside.</summary>
    /// <returns>True when the caller has to start the worker.</returns>
    public bool Resume()
    {
        lock (_lock)
        {
            if (_untold.Count == 0)
            {
                return false;
            }

            foreach (MemberState member in _untold)
            {
                if (!member.IsQueued)
                {
                    member.IsQueued = true;
                    _members.Enqueue(member);
                }
            }

            _untold.Clear();
            return Start();
        }
    }

    private bool Start()
    {
        bool start = !_isWorking;
        _isWorking = true;
        return start;
    }

    private static (NetworkId, NodeId) KeyOf(ControllerRequest request) => (request.Network, request.Identity.Address);
}
