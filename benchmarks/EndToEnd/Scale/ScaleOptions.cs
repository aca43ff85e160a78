using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace EndToEnd.Scale;

/// <summary>The options of <c>--scale</c>.</summary>
internal sealed record ScaleOptions
{
    /// <summary>Names of the measures to run.</summary>
    public IReadOnlyList<string> Measures { get; init; } = [.. ScaleMeasure.All.Select(measure => measure.Name)];

    /// <summary>Most units of any measure.</summary>
    public int Most { get; init; } = 100_000;

    /// <summary>Duration of each timed measure.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The address of all sockets.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    public static bool TryParse(ReadOnlySpan<string> args, [NotNullWhen(true)] out ScaleOptions? options)
    {
        options = new ScaleOptions();
        if (args is [var list, ..] && !list.StartsWith('-'))
        {
            options = options with { Measures = list.Split(',') };
            args = args[1..];
        }

        for (; args is [var name, var value, ..]; args = args[2..])
        {
            switch (name)
            {
                case "--up-to" when int.TryParse(value, CultureInfo.InvariantCulture, out int most) && most >= 1:
                    options = options with { Most = most };
                    break;
                case "--seconds"
                    when double.TryParse(value, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0.1 and <= 3600:
                    options = options with { Duration = TimeSpan.FromSeconds(seconds) };
                    break;
                case "--address" when IPAddress.TryParse(value, out var address):
                    options = options with { Address = address };
                    break;
                default:
                    return false;
            }
        }

        return args.IsEmpty && options.Measures.All(name => ScaleMeasure.All.Any(measure => measure.Name == name));
    }

    /// <summary>1, 10, 100, … below a goal, and the goal itself, all of them limited by <see cref="Most"/>.</summary>
    public IEnumerable<int> CountsTo(int goal)
    {
        int last = Math.Min(goal, Most);
        for (int count = 1; count < last; count *= 10)
        {
            yield return count;
        }

        yield return last;
    }
}
