namespace Root;

/// <summary>The datagrams of a message, one after the other.</summary>
internal ref struct DatagramRun(Span<byte> rest, int segment)
{
    private Span<byte> _rest = rest;

    public Span<byte> Current { get; private set; }

    public readonly DatagramRun GetEnumerator() => this;

    public bool MoveNext()
    {
        Current = _rest[..Math.Min(segment, _rest.Length)];
        _rest = _rest[Current.Length..];
        return !Current.IsEmpty;
    }
}
