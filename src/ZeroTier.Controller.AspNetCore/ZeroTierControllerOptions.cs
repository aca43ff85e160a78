using System.Net;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>A controller in a host, and who may use its HTTP API. Read once, at the start.</summary>
public sealed class ZeroTierControllerOptions
{
    /// <summary>The name of the token's file, which is that of ZeroTierOne.</summary>
    public const string TokenFileName = "authtoken.secret";

    /// <summary>Where networks and members are kept; the controller opens it and disposes of it. Default: null, which is memory: everything is forgotten with the
    /// process, and a warning says so.</summary>
    public IControllerStore? Store { get; set; }

    /// <summary>Nodes that asked and were never authorised, which are remembered for each network, 1 or more. Default 1,000.</summary>
    public int MaxUnauthorizedMembers { get; set; } = 1000;

    /// <summary>Members that a network may have, those that wait included, 1 or more. Default 100,000.</summary>
    public int MaxMembersPerNetwork { get; set; } = 100_000;

    /// <summary>
    /// The file with the token that programs send (<c>X-ZT1-Auth</c>, or <c>Authorization: Bearer</c>), at least 16 characters; made when missing, for the owner
    /// only. Whoever can read it rules the networks. Default: null, which is <c>authtoken.secret</c> in a folder named after the application in the user's local
    /// application data; the log says where.
    /// </summary>
    public string? TokenPath { get; set; }

    /// <summary>
    /// From where, besides this machine, the token is accepted. The connection's address counts, so that behind a reverse proxy the app must use forwarded
    /// headers: what comes with such headers that nobody has read is refused. A token over plain HTTP can be read on the way. Default: none.
    /// </summary>
    public IList<IPNetwork> TokenNetworks { get; } = [];

    /// <summary>
    /// Names by which the API may be called with the token, besides <c>localhost</c> and addresses: a page that gives its own name a new address (DNS rebinding) is
    /// not served. Without port, letter case does not matter. Default: none.
    /// </summary>
    public IList<string> TokenHosts { get; } = [];

    /// <summary>Whether the token may stand in the URL as <c>?auth=</c>, where logs and proxies keep it. Default false.</summary>
    public bool AllowsTokenInQuery { get; set; }

    /// <summary>How long the body of a request may be, in bytes, 1,024 or more. Default 4 MiB.</summary>
    public int MaxRequestBodySize { get; set; } = 4 * 1024 * 1024;
}
