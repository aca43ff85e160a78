using System.Net;
using ZeroTier.Engines;
using ZeroTier.Managed.Datagrams.TcpRelay;
using ZeroTier.Managed.Vl1.Paths;

namespace ZeroTier.Managed.Node;

/// <content>Decides when the TCP relay is used (docs/protocol/2-vl1.md 2.22).</content>
internal sealed partial class NodeSession
{
    private static readonly TimeSpan RelayLookInterval = TimeSpan.FromSeconds(3);

    // ZeroTierOne, which uses its vendor's relay by default, waits for 60 s. Here a relay is used only if one is configured.
    private static readonly TimeSpan RelayPatience = TimeSpan.FromSeconds(15);

    private RelayClientTransport? _relayed;

    /// <summary>Whether a connection to a TCP relay is in use.</summary>
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

    // Only a root's authenticated packets show that UDP works; otherwise anybody could prevent the use of the relay by sending UDP packets.
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

    // A relay can reach public addresses; one with a private address can also reach addresses of the same scope.
    private static bool IsReachedBy(IPEndPoint relay, in InetEndPoint destination)
    {
        var scope = IpScopes.Of(destination);
        return scope == IpScope.Global || scope == IpScopes.Of(InetEndPoint.From(relay));
    }
}
