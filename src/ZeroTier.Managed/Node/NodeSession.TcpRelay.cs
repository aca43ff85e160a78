using System.Net;
using ZeroTier.Engines;
using ZeroTier.Managed.Datagrams.TcpRelay;
using ZeroTier.Managed.Vl1.Paths;

namespace ZeroTier.Managed.Node;

/// <content>When the TCP relay is used (docs/protocol/2-vl1.md 2.22).</content>
internal sealed partial class NodeSession
{
    private static readonly TimeSpan RelayLookInterval = TimeSpan.FromSeconds(3);

    // ZeroTierOne waits for 60 s, which has its maker's relay as a default. Here one is used only where somebody has asked for it.
    private static readonly TimeSpan RelayPatience = TimeSpan.FromSeconds(15);

    private RelayClientTransport? _relayed;

    /// <summary>Whether a TCP relay carries datagrams now.</summary>
    public bool UsesTcpRelay => _relayed?.IsCarrying ?? false;

    private long _udpHeardAt;

    private async ValueTask<IDatagramTransport> WithTcpRelayAsync(IDatagramTransport udp, Planet planet, NodeIdentity identity)
    {
        var log = NonThrowingLogger.Create(Options.LoggerFactory, "ZeroTier.Managed.Datagrams");
        if (planet.Roots.FirstOrDefault(root => root.Identity.Address == identity.Address) is { } self)
        {
            try
            {
                return Options.TcpRelayListen is { } listen
                    ? RelayServerTransport.Listen(udp, listen, self.EndPoints, Options.TimeProvider, log)
                    : udp;
            }
            catch
            {
                await udp.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        return Options.TcpRelay is { } relay
            ? _relayed = new RelayClientTransport(
                udp, relay, to => IsReachedBy(relay, to), RelayClientTransport.ConnectAsync, Options.TimeProvider, log)
            : udp;
    }

    private void WatchForTcpRelay()
    {
        if (_relayed is not null)
        {
            _udpHeardAt = Options.TimeProvider.GetTimestamp();
            _resources.Add(
                Options.TimeProvider.CreateTimer(
                    static session => ((NodeSession)session!).LookForUdp(), this, RelayLookInterval, RelayLookInterval));
        }
    }

    // What a root has authenticated counts, not whatever comes by UDP: else anybody could keep the node off its relay.
    private void LookForUdp()
    {
        if (_closing)
        {
            return;
        }

        if (_vl1.HearsRootBeside(ExtraSocketTransport.Number))
        {
            _udpHeardAt = Options.TimeProvider.GetTimestamp();
            _relayed!.Release();
        }
        else if (Options.TimeProvider.GetElapsedTime(_udpHeardAt) >= RelayPatience)
        {
            _relayed!.Engage();
        }
    }

    // A relay on the Internet reaches what is on the Internet; one within a private network what is there, too.
    private static bool IsReachedBy(IPEndPoint relay, in InetEndPoint destination)
    {
        var scope = IpScopes.Of(destination);
        return scope == IpScope.Global || scope == IpScopes.Of(InetEndPoint.From(relay));
    }
}
