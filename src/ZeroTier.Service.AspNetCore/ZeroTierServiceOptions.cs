using System.Net;

namespace ZeroTier.Service.AspNetCore;

/// <summary>
/// Access by token to the HTTP APIs of a node: that of the node itself, and that of a controller in it. Read once, at start. Endpoints with
/// an authorization policy (<c>RequireAuthorization</c>) do not accept the token.
/// </summary>
public sealed class ZeroTierServiceOptions
{
    /// <summary>The name of the token file, the same as ZeroTierOne's.</summary>
    public const string TokenFileName = "authtoken.secret";

    /// <summary>The name of the file with the token for the metrics only, in the same folder as the token file.</summary>
    public const string MetricsTokenFileName = "metricstoken.secret";

    /// <summary>
    /// The file with the token that programs send (<c>X-ZT1-Auth</c>, or <c>Authorization: Bearer</c>), 16 to 1,023 characters; created if
    /// missing, readable by its owner only. Whoever can read it controls the node and the networks of its controller. Default: null, which
    /// means <c>authtoken.secret</c> in the node's storage folder, or, for a node in memory or on the development network, in a folder
    /// named after the application in the user's local application data; the path is logged.
    /// </summary>
    public string? TokenPath { get; set; }

    /// <summary>
    /// The networks from which the token is accepted, in addition to this machine. The connection's remote address is checked, so behind a
    /// reverse proxy the app must use the forwarded headers middleware: requests with forwarded headers that it has not processed are
    /// refused. A token sent over plain HTTP can be intercepted. Default: none.
    /// </summary>
    public IList<IPNetwork> TokenNetworks { get; } = [];

    /// <summary>
    /// The host names by which the APIs may be called with the token, in addition to <c>localhost</c> and IP addresses. Other names are
    /// refused, as a protection against DNS rebinding. Without port, case-insensitive. Default: none.
    /// </summary>
    public IList<string> TokenHosts { get; } = [];

    /// <summary>Whether the token may be sent in the URL as <c>?auth=</c>, where logs and proxies may store it. Default false.</summary>
    public bool AllowsTokenInQuery { get; set; }

    /// <summary>The maximum length of a request body in bytes, 1,024 or more. Default 4 MiB.</summary>
    public int MaxRequestBodySize { get; set; } = 4 * 1024 * 1024;
}
