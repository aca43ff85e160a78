using System.Globalization;

namespace EndToEnd.Scale;

/// <summary>Prints a Markdown table, each row when it is measured.</summary>
internal static class ScaleTable
{
    public static void Begin(string title, params ReadOnlySpan<string> columns)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        Console.WriteLine();
        Console.WriteLine($"| {string.Join(" | ", columns!)} |");
        Console.WriteLine($"|{string.Concat(Enumerable.Repeat(" ---: |", columns.Length))}");
    }

    /// <summary>Prints a row: a number of units, then values with three significant digits, or none for NaN.</summary>
    public static void Row(int units, params ReadOnlySpan<double> values)
    {
        Console.Write(string.Create(CultureInfo.InvariantCulture, $"| {units:N0} |"));
        foreach (double value in values)
        {
            Console.Write($" {Text(value)} |");
        }

        Console.WriteLine();
    }

    private static string Text(double value) => double.IsNaN(value) ? "" : value.ToString(
        Math.Abs(value) switch { >= 100 => "N0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);
}
