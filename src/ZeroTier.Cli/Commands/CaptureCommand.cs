using System.CommandLine;
using ZeroTier.Managed;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt capture FILE</c>: captures the frames that this node sends and receives, for Wireshark.</summary>
internal static class CaptureCommand
{
    private const string StandardOutput = "-";

    // Bounded, because the reader of standard output may have stopped reading.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var file = new Argument<string>("file")
        {
            Description = "The pcapng file to make, for its owner only; - for standard output, as in: zt capture - | wireshark -k -i -",
        };
        var maxSize = new Option<long>("--max-size")
        {
            Description = "Bytes after which the capture ends. Default: 67108864.",
            DefaultValueFactory = _ => new CaptureOptions().MaxSize,
        };
        maxSize.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() < 4096)
            {
                result.AddError("--max-size must be 4096 or more, for example 67108864.");
            }
        });
        var command = new Command(
            "capture", "Captures the frames that this node sends and receives. Frames of an application: set its ZeroTier:CapturePath.")
            {
                file, maxSize,
            };
        var options = NodeOptions.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(
                NodeOptions.Read(parse, options),
                parse.GetRequiredValue(file),
                new CaptureOptions { MaxSize = parse.GetValue(maxSize) },
                cancellationToken));
        return command;
    }

    /// <summary>Adds the option <c>--capture FILE</c> to a command that connects.</summary>
    public static Option<string?> AddTo(Command command)
    {
        var option = new Option<string?>("--capture")
        {
            Description = "A pcapng file to make with all that is sent and received on the network, for its owner only.",
        };
        command.Add(option);
        return option;
    }

    private static async Task<int> RunAsync(
        NodeOptions options, string file, CaptureOptions captureOptions, CancellationToken cancellationToken)
    {
        await using var session = await NodeSession.OpenAsync(options, cancellationToken);
        await using var output = file == StandardOutput ? Console.OpenStandardOutput() : null;
        await using var capture = output is null
            ? await session.Node.StartCaptureAsync(file, captureOptions, cancellationToken)
            : await session.Node.StartCaptureAsync(output, captureOptions, cancellationToken);
        Status.Info("The capture has begun. Ctrl-C ends it.");
        await ((Task)capture.Completion.WaitAsync(cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var patience = new CancellationTokenSource(StopLimit, TimeProvider.System);
        var end = await capture.StopAsync(patience.Token);
        Status.Info($"{capture.Frames} frames, {capture.Dropped} dropped.");
        return end switch
        {
            CaptureEnd.Failed => throw new IOException($"The capture could not be written: {capture.Error!.Message}", capture.Error),
            CaptureEnd.SizeReached => ReachedSize(captureOptions),
            _ => ExitCode.Success,
        };
    }

    private static int ReachedSize(CaptureOptions options)
    {
        Status.Info($"It ended at its limit of {options.MaxSize} bytes; --max-size allows more.");
        return ExitCode.Success;
    }
}
