using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;

namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>
/// Refuses connections before anything is read from them: those that <c>ZeroTier:AllowedNodes</c> and <c>ZeroTier:AllowedNetworks</c> do
/// not name when the listener takes them, so that endpoints which moved to the network are held to it too; those that the list of one
/// endpoint does not name in its first middleware. Thread-safe.
/// </summary>
internal sealed class AccessControl(IOptions<ZeroTierOptions> options, ILoggerFactory loggerFactory)
{
    /// <summary>How many refused nodes are named in the log; who makes identities by the thousand must not fill it.</summary>
    public const int MaxNamed = 256;

    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private readonly Lazy<AccessList> _everywhere = new(() => From(options.Value));
    private readonly Lock _gate = new();
    private readonly HashSet<(NodeId?, NetworkId)> _named = [];
    private bool _saidUnproven;
    private long _refused;

    /// <summary>Connections that were refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>
    /// Puts changed lists into force for every endpoint; false where one was kept, see <see cref="AccessList.Follow(AccessList)"/>.
    /// </summary>
    public bool Follow(ZeroTierOptions changed)
    {
        bool all = _everywhere.Value.Follow(changed.AllowedNodes, changed.AllowedNetworks);
        ForgetNamed();
        return all;
    }

    /// <summary>Who was refused is named again: the lists have changed.</summary>
    public void ForgetNamed()
    {
        lock (_gate)
        {
            _named.Clear();
            _saidUnproven = false;
        }
    }

    /// <summary>Whether a connection may come in at all; counts and logs it otherwise.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="port">The port that it called, for the log.</param>
    public bool Admits(ZeroTierConnection connection, int port) =>
        Admits(_everywhere.Value, connection.RemoteNode, connection.Network, port);

    /// <summary>The first middleware of an endpoint with a list of its own.</summary>
    public Func<ConnectionDelegate, ConnectionDelegate> Middleware(AccessList list) => next => connection =>
    {
        // A connection over an ordinary socket comes from no node.
        var peer = connection.Features.Get<IZeroTierPeerFeature>();
        if (Admits(list, peer?.Node, peer?.Network ?? default, (connection.LocalEndPoint as System.Net.IPEndPoint)?.Port ?? 0))
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

    private bool Admits(AccessList list, NodeId? node, NetworkId network, int port)
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

    private void Log(AccessVerdict verdict, NodeId? node, NetworkId network, int port)
    {
        bool last;
        lock (_gate)
        {
            if (verdict == AccessVerdict.Unproven ? _saidUnproven : _named.Count == MaxNamed || !_named.Add((node, network)))
            {
                return;
            }

            _saidUnproven |= verdict == AccessVerdict.Unproven;
            last = _named.Count == MaxNamed;
        }

        switch (verdict)
        {
            case AccessVerdict.Unproven:
                AccessLog.NodesUnproven(_logger, port);
                return;
            case AccessVerdict.OtherNode:
                AccessLog.NodeRefused(_logger, node!.Value, network, port);
                break;
            default:
                AccessLog.NetworkRefused(_logger, node?.ToString() ?? "unknown", network, port);
                break;
        }

        if (last)
        {
            AccessLog.NoMoreNamed(_logger, MaxNamed);
        }
    }
}
