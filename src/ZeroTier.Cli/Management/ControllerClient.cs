using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZeroTier.Controller;

namespace ZeroTier.Cli.Management;

/// <summary>
/// A client of the HTTP API that this project's controller and ZeroTierOne's have in common (docs/protocol/5-http-api.md 5.5).
/// </summary>
internal sealed class ControllerClient : IDisposable
{
    private const string TokenHeader = "X-ZT1-Auth";
    private const int MaxAnswerSize = 256 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly string _tokenFile;

    public ControllerClient(Uri url, string token, string tokenFile)
    {
        _url = url;
        _tokenFile = tokenFile;

        // No redirects or proxies, so that the token is sent to this server only.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = url,
            Timeout = TimeSpan.FromSeconds(30),
            MaxResponseContentBufferSize = MaxAnswerSize,
        };
        _http.DefaultRequestHeaders.Add(TokenHeader, token);
    }

    /// <summary>The address of the controller's node; null when the API has no <c>/status</c>.</summary>
    public async Task<NodeId?> NodeAsync(CancellationToken cancellationToken) =>
        await TrySendAsync(HttpMethod.Get, "status", null, cancellationToken) is { } status
            && status.TryGetProperty("address", out var address) && NodeId.TryParse(address.GetString(), out var node) ? node : null;

    public async Task<IReadOnlyList<ControllerNetwork>> NetworksAsync(CancellationToken cancellationToken)
    {
        var ids = await SendAsync(HttpMethod.Get, "controller/network", null, "There is no controller.", cancellationToken);
        var networks = new List<ControllerNetwork>();
        foreach (var id in ids.EnumerateArray())
        {
            networks.Add(await NetworkAsync(NetworkId.Parse(id.GetString()!), cancellationToken));
        }

        return networks;
    }

    public async Task<ControllerNetwork> NetworkAsync(NetworkId id, CancellationToken cancellationToken) =>
        ControllerJson.ReadNetwork(await SendAsync(HttpMethod.Get, Path(id), null, Unknown(id), cancellationToken));

    /// <summary>Creates a network with a new ID.</summary>
    public async Task<ControllerNetwork> CreateNetworkAsync(JsonObject settings, CancellationToken cancellationToken) =>
        ControllerJson.ReadNetwork(
            await SendAsync(HttpMethod.Post, "controller/network", settings, "There is no controller.", cancellationToken));

    /// <summary>Changes an existing network.</summary>
    public async Task<ControllerNetwork> ChangeNetworkAsync(NetworkId id, JsonObject settings, CancellationToken cancellationToken)
    {
        // Fails if it does not exist; the API would create it.
        await NetworkAsync(id, cancellationToken);
        return await PutNetworkAsync(id, settings, cancellationToken);
    }

    /// <summary>Changes a network, or creates it.</summary>
    public async Task<ControllerNetwork> PutNetworkAsync(NetworkId id, JsonObject settings, CancellationToken cancellationToken) =>
        ControllerJson.ReadNetwork(await SendAsync(HttpMethod.Post, Path(id), settings, Unknown(id), cancellationToken));

    public Task DeleteNetworkAsync(NetworkId id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, Path(id), null, Unknown(id), cancellationToken);

    public async Task<IReadOnlyList<ControllerMember>> MembersAsync(NetworkId network, CancellationToken cancellationToken)
    {
        var revisions = await SendAsync(HttpMethod.Get, $"{Path(network)}/member", null, Unknown(network), cancellationToken);
        var members = new List<ControllerMember>();
        foreach (var entry in revisions.EnumerateObject())
        {
            members.Add(await MemberAsync(network, NodeId.Parse(entry.Name), cancellationToken));
        }

        return members;
    }

    public async Task<ControllerMember> MemberAsync(NetworkId network, NodeId node, CancellationToken cancellationToken) =>
        ControllerJson.ReadMember(
            await SendAsync(
                HttpMethod.Get,
                Path(network, node),
                null,
                $"Network {network} has no member {node}. List them: zt controller member list {network}",
                cancellationToken));

    /// <summary>Changes a member, or creates it, so that a node can be authorised before it requests to join.</summary>
    public async Task<ControllerMember> ChangeMemberAsync(
        NetworkId network, NodeId node, JsonObject settings, CancellationToken cancellationToken) =>
        ControllerJson.ReadMember(await SendAsync(HttpMethod.Post, Path(network, node), settings, Unknown(network), cancellationToken));

    public void Dispose() => _http.Dispose();

    private static string Path(NetworkId network) => $"controller/network/{network}";

    private static string Path(NetworkId network, NodeId node) => $"{Path(network)}/member/{node}";

    private static string Unknown(NetworkId id) => $"The controller has no network {id}. List them: zt controller network list";

    private async Task<JsonElement> SendAsync(
        HttpMethod method, string path, JsonObject? body, string notFound, CancellationToken cancellationToken) =>
        await TrySendAsync(method, path, body, cancellationToken) ?? throw new IOException(notFound);

    /// <returns>The answer; null for 404.</returns>
    private async Task<JsonElement?> TrySendAsync(HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using var response = await RespondAsync(request, cancellationToken);
        byte[] content = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => null,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => throw new IOException(
                $"The controller at {_url} refuses the token in '{_tokenFile}'. Name the controller's own file by --token-file, or its "
                + "folder by --home."),
            _ when response.IsSuccessStatusCode =>
                Parse(content) ?? throw new IOException($"What answers at {_url} is no controller: {path} is not JSON. Check --url."),
            _ => throw new IOException($"The controller refuses ({(int)response.StatusCode}): {Description(content)}"),
        };
    }

    private async Task<HttpResponseMessage> RespondAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            string reason = (exception.InnerException ?? exception).Message;
            throw new IOException(
                $"No controller answers at {_url}: {reason.TrimEnd('.')}. Start it, or name it by --url or --home.", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The controller at {_url} does not answer.", exception);
        }
    }

    private static JsonElement? Parse(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Description(byte[] content) =>
        Parse(content) is { ValueKind: JsonValueKind.Object } error
            && error.TryGetProperty("description", out var text)
            && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : "it does not say why.";
}
