using System.Net;
using Root;

// The root's service under load: relayed packets, answers to WHOIS and HELLO, beside a loop that only receives and sends.
switch (args)
{
    case ["--root", var folder, var endPoint]:
        return await RootRole.RunAsync(folder, IPEndPoint.Parse(endPoint));
    case ["--loop"]:
        return await LoopRole.RunAsync();
    default:
        break;
}

if (!OperatingSystem.IsLinux())
{
    Console.Error.WriteLine("This benchmark runs on Linux.");
    return 2;
}

if (!Options.TryParse(args, out var options, out string? problem))
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

await Comparison.RunAsync(options);
return 0;
