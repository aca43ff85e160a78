using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Members;

/// <summary>
/// A member that must be sent its configuration, because of its request or of a change; or an unknown node with a request.
/// </summary>
/// <param name="Member">The member; null for an unknown node.</param>
/// <param name="Request">Its request; null for a change.</param>
internal readonly record struct WorkItem(MemberState? Member, ControllerRequest? Request);

/// <summary>
/// The queue between the receive threads and the worker. Each known member is in it at most once, whatever it sends, so that this part is
/// bounded and no member can starve another. Unknown nodes share a small part; when that is full, a random entry is replaced, so that a
/// flood cannot keep others out forever. Thread-safe.
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
    /// <param name="request">Its request, which replaces an earlier one; null for a change.</param>
    /// <returns>True when the caller must start the worker.</returns>
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
    /// <returns>True when the caller must start the worker.</returns>
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

    /// <summary>
    /// Takes a batch. When the queue is empty, returns false; the worker must then end, and the next addition starts it again.
    /// </summary>
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

    /// <summary>
    /// Keeps the changes of a batch that could not be served until <see cref="Resume"/>. Requests are dropped, because nodes repeat them.
    /// </summary>
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

    /// <summary>Queues the changes that were set aside.</summary>
    /// <returns>True when the caller must start the worker.</returns>
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
