using System.CommandLine;

namespace ZeroTier.Cli.Commands;

/// <summary>The time limit of connecting: without it, TCP would retry silently for a minute.</summary>
internal static class ConnectTimeout
{
    private const double DefaultSeconds = 10;
    private const double MaxSeconds = 3600;

    /// <summary>Adds <c>--timeout</c>.</summary>
    public static Option<double> AddTo(Command command)
    {
        var option = new Option<double>("--timeout")
        {
            Description = "Seconds to wait for a connection, more than 0 to 3600.",
            DefaultValueFactory = _ => DefaultSeconds,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= MaxSeconds))
            {
                result.AddError("--timeout is in seconds, more than 0 to 3600, for example 10.");
            }
        });
        command.Add(option);
        return option;
    }

    public static TimeSpan Read(ParseResult parse, Option<double> option) => TimeSpan.FromSeconds(parse.GetValue(option));
}
