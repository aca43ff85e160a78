
namespace ZeroTier.Hosting.Node;

/// <summary>Waits for a working network at start-up.</summary>
internal static class Readiness
{
    /// <summary>The likely reason why a node is not online, and what to check.</summary>
    public const string NotOnline =
        "no root answers. Check that UDP is allowed out, that the planet file is the right one and that its roots run";

    /// <summary>Waits until the node is online and every network is ready.</summary>
    /// <exception cref="ZeroTierException">The limit passed, or the condition cannot be met; the message says which one.</exception>
    public static async Task RequireAsync(
        ZeroTierNode node, ZeroTierNodeOptions options, TimeSpan limit, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        string waitingFor = $"the node is not online: {NotOnline}";
        try
        {
            await node.WaitForOnlineAsync(either.Token).ConfigureAwait(false);
            foreach (string text in options.Networks)
            {
                var id = NetworkId.Parse(text);
                waitingFor = $"network {id} is not ready. Check at its controller that node {node.Id} is authorised and has an address";
                await node.WaitForNetworkAsync(id, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ZeroTierException(
                ZeroTierError.TimedOut,
                $"{ZeroTierNodeOptions.SectionName}:RequireReadyWithin is '{limit}' and has passed, but {waitingFor}. Leave the setting "
                + "out to start anyway and become ready later.");
        }
    }
}
