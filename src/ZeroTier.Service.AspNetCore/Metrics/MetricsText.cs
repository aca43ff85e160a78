using System.Globalization;
using System.Text;

namespace ZeroTier.Service.AspNetCore.Metrics;

/// <summary>Writes metrics in Prometheus' text format. All names and label values come from this project and need no escaping.</summary>
internal sealed class MetricsText
{
    private readonly StringBuilder _text = new();

    /// <summary>Writes the header of a metric.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">counter, gauge, or histogram.</param>
    /// <param name="help">The description.</param>
    public void Begin(string name, string type, string help) =>
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    /// <summary>Writes a value.</summary>
    /// <param name="series">The metric's name, with its labels in alphabetical order.</param>
    /// <param name="value">The value.</param>
    public void Add(string series, long value) => _text.Append(CultureInfo.InvariantCulture, $"{series} {value}\n");

    /// <summary>Writes a metric with a single value.</summary>
    public void Add(string name, string type, string help, long value)
    {
        Begin(name, type, help);
        Add(name, value);
    }

    public override string ToString() => _text.ToString();
}
