using System.Net;

namespace ZeroTier.Service.AspNetCore;

/// <summary>
/// Who may use the HTTP APIs of a node with the token, and how: that of the node itself, and that of the controller which it carries.
/// Read once, at the start. Endpoints with a policy (<c>RequireAuthorization</c>) take the policy's users, and no token.
/// </summary>
public sealed class ZeroTierServiceOptions
{
    /// <summary>The name of the token's file, which is that of ZeroTierOne.</summary>
    public const string TokenFileName = "authtoken.secret";

    /// <summary>The name of the file with the token for the metrics alone, which is beside that of the token.</summary>
    public const string MetricsTokenFileName = "metricstoken.secret";

    /// <summary>
    /// The file with the token that programs send (<c>X-ZT1-Auth</c>, or <c>Authorization: Bearer</c>), 16 to 1,023 characters; made
    /// when missing, for the owner only. Whoever can read it rules the node and the networks of its controller. Default: null, which is
    /// <c>authtoken.secret</c> in the node's storage folder, or where the node is in memory or on the development network, in a folder
    /// named after the application in the user's local application data; the log says where.
    /// </summary>
    public string? TokenPath { get; set; }

    /// <summary>
    /// From where, besides this machine, the token is accepted. The connection's address counts, so that behind a reverse proxy the app
    /// must use forwarded headers: what comes with such headers that nobody has read is refused. A token over plain HTTP can be read on
    /// the way. Default: none.
    /// </summary>
    public IList<IPNetwork> TokenNetworks { get; } = [];

    /// <summary>
    /// Names by which the APIs may be called with the token, besides <c>localhost</c> and addresses: a page that gives its own name a
    /// new address (DNS rebinding) is not served. Without port, letter case does not matter. Default: none.
    /// </summary>
    public IList<string> TokenHosts { get; } = [];

    /// <summary>Whether the token may stand in the URL as <c>?auth=</c>, where logs and proxies keep it. Default false.</summary>
    public bool AllowsTokenInQuery { get; set; }

    /// <summary>How long the body of a request may be, in bytes, 1,024 or more. Default 4 MiB.</summary>
    public int MaxRequestBodySize { get; set; } = 4 * 1024 * 1024;
}
