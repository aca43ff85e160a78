using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace ZeroTier.Engines;

/// <summary>
/// Activities of the source <c>ZeroTier</c>, with OpenTelemetry's semantic conventions where they apply. Without a listener no activity is
/// created.
/// </summary>
internal static class Tracing
{
    /// <summary>The name of the activity source.</summary>
    public const string SourceName = "ZeroTier";

    /// <summary>The activity of an outgoing connection, from the call until it is established or fails.</summary>
    public const string ConnectName = "zerotier connect";

    /// <summary>The activity of joining a network, until it can carry traffic or has failed.</summary>
    public const string JoinName = "zerotier join";

    /// <summary>The activity of an incoming connection, from the engine's accept until it is handed to the server.</summary>
    public const string AcceptName = "zerotier accept";

    private static readonly ActivitySource Source = new(
        SourceName, typeof(Tracing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion);

    /// <summary>
    /// Traces an attempt to connect. Nested attempts, such as those for the addresses of a name, get no activity of their own.
    /// </summary>
    /// <param name="network">The network; null when the host name determines it.</param>
    /// <param name="host">The destination host.</param>
    /// <param name="port">The destination port.</param>
    /// <param name="connect">The attempt.</param>
    public static ValueTask<ZeroTierConnection> ConnectAsync(
        NetworkId? network, object? host, int port, Func<ValueTask<ZeroTierConnection>> connect) =>
        Source.HasListeners() && !IsPartOfAnother() ? ConnectTracedAsync(network, host, port, connect) : connect();

    /// <summary>Traces joining a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="ready">Completes when the network is ready; throws when it cannot become so.</param>
    public static void Join(NetworkId network, Func<Task> ready)
    {
        if (Source.HasListeners())
        {
            _ = JoinTracedAsync(network, ready);
        }
    }

    /// <summary>
    /// Traces a connection that a server has accepted, refused, or failed to accept, as a root activity independent of the current one.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="begin">When the engine delivered it.</param>
    /// <param name="port">The port of the endpoint.</param>
    /// <param name="error">Why it was not accepted, as a short name; null when it was.</param>
    public static void Accept(ZeroTierConnection connection, DateTimeOffset begin, int port, string? error)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        var current = Activity.Current;
        Activity.Current = null;
        try
        {
            using var activity = Source.StartActivity(AcceptName, ActivityKind.Internal, default(ActivityContext), startTime: begin);
            if (activity is not null)
            {
                activity.SetTag("server.port", port);
                Describe(activity, connection);
                if (error is not null)
                {
                    activity.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
                }
            }
        }
#pragma warning disable CA1031 // An exception of a trace listener must not cost the connection.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private static bool IsPartOfAnother() =>
        Activity.Current is { } current && ReferenceEquals(current.Source, Source) && current.OperationName == ConnectName;

    private static async ValueTask<ZeroTierConnection> ConnectTracedAsync(
        NetworkId? network, object? host, int port, Func<ValueTask<ZeroTierConnection>> connect)
    {
        using var activity = Source.StartActivity(ConnectName, ActivityKind.Client);
        activity?.SetTag("server.address", host?.ToString()?.Trim('[', ']')).SetTag("server.port", port).SetTag(
            "zerotier.network.id", network?.ToString());
        try
        {
            var connection = await connect().ConfigureAwait(false);
            TryDescribe(activity, connection);
            return connection;
        }
        catch (Exception exception)
        {
            Fail(activity, exception);
            throw;
        }
    }

    private static async Task JoinTracedAsync(NetworkId network, Func<Task> ready)
    {
        using var activity = Source.StartActivity(JoinName, ActivityKind.Client);
        activity?.SetTag("zerotier.network.id", network.ToString());
        try
        {
            await ready().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Fail(activity, exception);
        }
    }

    // The connection is established: an exception of a trace listener must not lose it.
    private static void TryDescribe(Activity? activity, ZeroTierConnection connection)
    {
        try
        {
            if (activity is not null)
            {
                Describe(activity, connection);
            }
        }
#pragma warning disable CA1031
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private static void Describe(Activity activity, ZeroTierConnection connection)
    {
        IPEndPoint remote = connection.RemoteEndPoint;
        activity.SetTag("network.transport", "tcp")
            .SetTag("network.type", remote.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6")
            .SetTag("network.peer.address", remote.Address.ToString())
            .SetTag("network.peer.port", remote.Port)
            .SetTag("zerotier.network.id", connection.Network.ToString())
            .SetTag("zerotier.peer.id", connection.RemoteNode?.ToString());
    }

    private static void Fail(Activity? activity, Exception exception) => activity
        ?.SetTag("error.type", exception is ZeroTierException { Error: var error } ? error.ToString() : exception.GetType().FullName)
        .SetStatus(ActivityStatusCode.Error, exception.Message);
}
