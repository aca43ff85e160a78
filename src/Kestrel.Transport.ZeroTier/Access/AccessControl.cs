using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>
/// Refuses connections before anything is read from them. The lists of all endpoints (<c>ZeroTier:AllowedNodes</c>,
/// <c>ZeroTier:AllowedNetworks</c>) are applied when the listener accepts, so that they also cover host endpoints that
/// <c>TakeAllEndpoints</c> moved; the list of a single endpoint is applied in its first connection middleware. Thread-safe.
/// </summary>
internal sealed class AccessControl(IOptions<ZeroTierOptions> options, ILoggerFactory loggerFactory)
{
    /// <summary>
    /// How many refused nodes are named in the log: an attacker can create identities by the thousand and must not be able to flood it.
    /// </summary>
    public const int MaxNamed = 256;

    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private readonly Lazy<AccessList> _everywhere = new(() => From(options.Value));
    private readonly Lock _gate = new();
    private readonly HashSet<(NodeId?, NetworkId?)> _named = [];
    private readonly HashSet<AccessVerdict> _said = [];
    private long _refused;

    /// <summary>Connections that were refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>
    /// Applies changed lists to every endpoint. False when an old list was kept, see <see cref="AccessList.Follow(AccessList)"/>.
    /// </summary>
    public bool Follow(ZeroTierOptions changed)
    {
        bool all = _everywhere.Value.Follow(changed.AllowedNodes, changed.AllowedNetworks);
        ForgetNamed();
        return all;
    }

    /// <summary>Called when the lists have changed: refused nodes are logged by name again.</summary>
    public void ForgetNamed()
    {
        lock (_gate)
        {
            _named.Clear();
            _said.Clear();
        }
    }

    /// <summary>Checks a connection against the lists of all endpoints; a refusal is counted and logged.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="port">The local port, for the log.</param>
    public bool Admits(ZeroTierConnection connection, int port) =>
        Admits(_everywhere.Value, connection.RemoteNode, connection.Network, port);

    /// <summary>The first middleware of an endpoint with a list of its own.</summary>
    public Func<ConnectionDelegate, ConnectionDelegate> Middleware(AccessList list) => next => connection =>
    {
        // Without the feature the connection came over an ordinary socket.
        var peer = connection.Features.Get<IZeroTierPeerFeature>();
        if (Admits(list, peer?.Node, peer?.Network, (connection.LocalEndPoint as System.Net.IPEndPoint)?.Port ?? 0))
        {
            return next(connection);
        }

        connection.Abort(new ConnectionAbortedException("The access list of the endpoint does not name the caller."));
        return Task.CompletedTask;
    };

    private static AccessList From(ZeroTierOptions options)
    {
        var list = new AccessList();
        list.Replace(options.AllowedNodes, options.AllowedNetworks);
        return list;
    }

    private bool Admits(AccessList list, NodeId? node, NetworkId? network, int port)
    {
        var verdict = list.Judge(node, network);
        if (verdict == AccessVerdict.Allowed)
        {
            return true;
        }

        Interlocked.Increment(ref _refused);
        Log(verdict, node, network, port);
        return false;
    }

    private void Log(AccessVerdict verdict, NodeId? node, NetworkId? network, int port)
    {
        bool last;
        lock (_gate)
        {
            bool isNew = verdict is AccessVerdict.Unproven or AccessVerdict.OrdinarySocket
                ? _said.Add(verdict)
                : _named.Count < MaxNamed && _named.Add((node, network));
            if (!isNew)
            {
                return;
            }

            last = _named.Count == MaxNamed;
        }

        switch (verdict)
        {
            case AccessVerdict.Unproven:
                AccessLog.NodesUnproven(_logger, port);
                return;
            case AccessVerdict.OrdinarySocket:
                AccessLog.SocketRefused(_logger, port);
                return;
            case AccessVerdict.OtherNode:
                AccessLog.NodeRefused(_logger, node!.Value, network!.Value, port);
                break;
            default:
                AccessLog.NetworkRefused(_logger, node?.ToString() ?? "unknown", network!.Value, port);
                break;
        }

        if (last)
        {
            AccessLog.NoMoreNamed(_logger, MaxNamed);
        }
    }
}
