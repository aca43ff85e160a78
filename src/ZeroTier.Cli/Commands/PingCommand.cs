using System.CommandLine;
using System.Globalization;
using System.Net;

namespace ZeroTier.Cli.Commands;

/// <summary><c>zt ping ADDRESS</c>: ICMP echo over the network.</summary>
internal static class PingCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReplyTimeout = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var address = new Argument<string>("address")
        {
            Description = "An address on the network, NODE.NETWORK.zt, or a name in the network's search domain.",
        };
        var count = new Option<int>("--count", "-c") { Description = "How many requests to send.", DefaultValueFactory = _ => 4 };
        count.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--count is how many requests to send, 1 or more.");
            }
        });
        var command = new Command("ping", "Measures the round trip to a node on the network.") { address, count };
        var options = NodeOptions.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(NodeOptions.Read(parse, options), parse.GetRequiredValue(address), parse.GetValue(count), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(NodeOptions options, string host, int count, CancellationToken cancellationToken)
    {
        await using var session = await NodeSession.OpenAsync(options, cancellationToken);
        var target = (await session.ResolveAsync(
            $"{(host.Contains(':', StringComparison.Ordinal) && host[0] != '[' ? $"[{host}]" : host)}:0", cancellationToken))[0];
        int received = 0;
        for (int sequence = 1; sequence <= count; sequence++)
        {
            if (await PingOnceAsync(session, target.Network, target.Address!, cancellationToken) is { } roundTrip)
            {
                received++;
                Console.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"reply from {target.Address}: seq={sequence} time={roundTrip.TotalMilliseconds:0.000} ms {Way(session, target)}"));
            }
            else
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"no reply from {target.Address}: seq={sequence}"));
            }

            if (sequence < count)
            {
                await Task.Delay(Interval, TimeProvider.System, cancellationToken);
            }
        }

        Status.Info(string.Create(CultureInfo.InvariantCulture, $"{count} sent, {received} received"));
        return received > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static async Task<TimeSpan?> PingOnceAsync(
        NodeSession session, NetworkId network, IPAddress address, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(ReplyTimeout);
        try
        {
            return await session.Node.PingAsync(network, address, cancellationToken: timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static string Way(NodeSession session, ZeroTierEndPoint target) =>
        session.Node.Peers.FirstOrDefault(peer => target.Network.GetSixPlaneAddress(peer.Id).Equals(target.Address)
            || target.Network.GetRfc4193Address(peer.Id).Equals(target.Address)) switch
        {
            { IsDirect: true } => "(direct)",
            { IsRelayed: true } => "(relayed)",
            _ => "",
        };
}
