using System.Numerics;

namespace ZeroTier.Managed.Net;

/// <summary>
/// Counters to which all threads add for every packet. Each processor has a row of its own, since a counter that several processors write
/// in turn costs each of them more than the packet. Thread-safe.
/// </summary>
internal sealed class StripedCounters
{
    private const int MaxRows = 64;

    // 128 bytes: processors fetch cache lines in pairs.
    private const int Alignment = 128 / sizeof(long);

    private static readonly int s_rows = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, MaxRows));
    private readonly long[] _values;
    private readonly int _rowLength;

    /// <param name="count">The number of counters.</param>
    public StripedCounters(int count)
    {
        _rowLength = (count + Alignment - 1) / Alignment * Alignment;

        // One line of distance to the array's header.
        _values = new long[Alignment + (s_rows * _rowLength)];
    }

    /// <summary>The sum of all rows. What is added meanwhile may or may not be in it.</summary>
    public long this[int counter]
    {
        get
        {
            long sum = 0;
            for (int row = 0; row < s_rows; row++)
            {
                sum += Volatile.Read(ref _values[Alignment + (row * _rowLength) + counter]);
            }

            return sum;
        }
    }

    /// <summary>Adds to a counter.</summary>
    public void Add(int counter, long amount)
    {
        int row = Thread.GetCurrentProcessorId() & (s_rows - 1);
        Interlocked.Add(ref _values[Alignment + (row * _rowLength) + counter], amount);
    }
}
