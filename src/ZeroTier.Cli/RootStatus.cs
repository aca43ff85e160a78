using System.Globalization;
using System.Net;
using System.Text;
using ZeroTier.Managed;

namespace ZeroTier.Cli;

/// <summary>
/// The HTTP endpoints of a root: <c>/livez</c> and <c>/readyz</c> for probes, <c>/metrics</c> for collectors, in Prometheus' text format.
/// Read-only.
/// </summary>
internal sealed class RootStatus : IDisposable
{
    private readonly ManagedNode _node;
    private readonly HttpListener _listener = new();

    private RootStatus(ManagedNode node) => _node = node;

    /// <summary>Serves until it is disposed of.</summary>
    /// <exception cref="IOException">The address cannot be opened.</exception>
    public static RootStatus Start(ManagedNode node, IPEndPoint endPoint)
    {
        var status = new RootStatus(node);
        bool any = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
        status._listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://{(any ? $"*:{endPoint.Port}" : endPoint)}/"));
        try
        {
            status._listener.Start();
        }
        catch (HttpListenerException exception)
        {
            status.Dispose();
            throw new IOException($"--http {endPoint} cannot be opened ({exception.Message}). Name another address or port.", exception);
        }

        _ = status.ServeAsync();
        return status;
    }

    public void Dispose() => ((IDisposable)_listener).Dispose();

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                // One request at a time: answers are short, and no unbounded work can accumulate.
                await AnswerAsync(await _listener.GetContextAsync());
            }
            catch (Exception exception) when (exception is ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            catch (HttpListenerException)
            {
                // The listener was stopped, or a client has disconnected.
                if (!_listener.IsListening)
                {
                    return;
                }
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var (code, text) = context.Request.Url?.AbsolutePath switch
        {
            "/livez" => Judge(_node.State != ZeroTierNodeState.Failed),
            "/readyz" => Judge(_node.State == ZeroTierNodeState.Running),
            "/metrics" => (HttpStatusCode.OK, Metrics()),
            _ => (HttpStatusCode.NotFound, "Not found: /livez, /readyz, /metrics\n"),
        };
        byte[] body = Encoding.UTF8.GetBytes(text);
        var response = context.Response;
        response.StatusCode = (int)code;
        response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        response.ContentLength64 = body.Length;
        await response.OutputStream.WriteAsync(body);
        response.Close();
    }

    private (HttpStatusCode Code, string Text) Judge(bool good) => good
        ? (HttpStatusCode.OK, "Healthy\n")
        : (HttpStatusCode.ServiceUnavailable,
            $"Unhealthy: the root is {_node.State}{(_node.FatalError is { } fatal ? $", {fatal.Message}" : "")}\n");

    /// <summary>Uses the names of the meter Kestrel.Transport.ZeroTier, in Prometheus' form.</summary>
    private string Metrics()
    {
        var text = new StringBuilder();
        void Add(string name, string type, params IEnumerable<(string Labels, long Value)> values)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            foreach (var (labels, value) in values)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
            }
        }

        var statistics = _node.GetStatistics();
        var peers = _node.Peers;
        Add("zerotier_node_online", "gauge", ("", _node.IsOnline ? 1 : 0));
        Add("zerotier_peers", "gauge",
            ("{zerotier_path=\"direct\"}", peers.Count(peer => peer.IsDirect)),
            ("{zerotier_path=\"relayed\"}", peers.Count(peer => peer.IsRelayed)));
        Add("zerotier_network_io_bytes_total", "counter",
            ("{network_io_direction=\"receive\"}", statistics.BytesReceived),
            ("{network_io_direction=\"transmit\"}", statistics.BytesSent));
        Add("zerotier_network_datagrams_total", "counter",
            ("{network_io_direction=\"receive\"}", statistics.DatagramsReceived),
            ("{network_io_direction=\"transmit\"}", statistics.DatagramsSent));
        Add("zerotier_packets_dropped_total", "counter", statistics.Dropped.Select(
            reason => ($"{{error_type=\"{reason.Key}\"}}", reason.Value)));
        return text.ToString();
    }
}
