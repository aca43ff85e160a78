namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Reassembles configurations from chunks, in any order (docs/protocol/3-vl2.md 3.3.4). It is given only chunks of the controller, whose
/// signature has been verified, so nobody else can fill it. Not thread-safe.
/// </summary>
internal sealed class ConfigurationAssembly
{
    /// <summary>Most incomplete configurations; a further one replaces the oldest.</summary>
    private const int MaxUpdates = 3;

    /// <summary>Number of completed configurations whose chunks are recognised as duplicates.</summary>
    private const int MaxComplete = 8;

    // Most separate ranges. ZeroTierOne 1.12 sends chunks that are so large that there are far fewer.
    private const int MaxPieces = 1024;

    private readonly List<Update> _updates = [];
    private readonly Queue<ulong> _complete = [];

    /// <summary>Adds a chunk.</summary>
    /// <param name="chunk">The verified chunk.</param>
    /// <param name="text">The whole dictionary when this was the last missing chunk, else null.</param>
    /// <returns>False when the chunk was known already.</returns>
    public bool Add(in ConfigurationChunk chunk, out byte[]? text)
    {
        text = null;
        ulong id = chunk.UpdateId;
        if (_complete.Contains(id))
        {
            return false;
        }

        Update? update = _updates.Find(u => u.Id == id);
        if (update is null || update.Text.Length != chunk.TotalLength)
        {
            Forget(update);
            if (_updates.Count == MaxUpdates)
            {
                _updates.RemoveAt(0);
            }

            update = new Update(id, chunk.TotalLength);
            _updates.Add(update);
        }

        if (!update.Add(chunk.Position, chunk.Data))
        {
            return false;
        }

        if (update.IsComplete)
        {
            Forget(update);
            if (_complete.Count == MaxComplete)
            {
                _complete.Dequeue();
            }

            _complete.Enqueue(id);
            text = update.Text;
        }

        return true;
    }

    private void Forget(Update? update)
    {
        if (update is not null)
        {
            _updates.Remove(update);
        }
    }

    private sealed class Update(ulong id, int length)
    {
        // The ranges received so far, sorted and disjoint.
        private readonly List<(int Start, int End)> _ranges = [];

        public ulong Id { get; } = id;

        public byte[] Text { get; } = new byte[length];

        public bool IsComplete => _ranges is [(0, var end)] && end == Text.Length;

        /// <summary>Copies the data. False when all of it was received before, or there are too many ranges.</summary>
        public bool Add(int position, ReadOnlySpan<byte> data)
        {
            int start = position, end = position + data.Length;
            if (_ranges.Exists(r => r.Start <= start && end <= r.End) || _ranges.Count == MaxPieces)
            {
                return false;
            }

            data.CopyTo(Text.AsSpan(position));
            int at = _ranges.FindIndex(r => r.End >= start);
            at = at < 0 ? _ranges.Count : at;
            while (at < _ranges.Count && _ranges[at].Start <= end)
            {
                start = Math.Min(start, _ranges[at].Start);
                end = Math.Max(end, _ranges[at].End);
                _ranges.RemoveAt(at);
            }

            _ranges.Insert(at, (start, end));
            return true;
        }
    }
}
