using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>The token for all HTTP APIs of the node.</summary>
internal sealed class ApiToken(
    IOptions<ZeroTierServiceOptions> options,
    IOptions<ZeroTierNodeOptions> node,
    IHostEnvironment environment,
    ILoggerFactory loggerFactory)
    : TokenFile(loggerFactory.CreateLogger(AccessLog.Category))
{
    public override string FilePath => Path.GetFullPath(options.Value.TokenPath ?? DefaultPath());

    private string DefaultPath()
    {
        string application = environment.ApplicationName is { Length: > 0 } name ? name : "app";
        string folder = NodeStorage.PathOf(node.Value, application) ?? NodeStorage.DefaultPath(application);
        return Path.Combine(folder, ZeroTierServiceOptions.TokenFileName);
    }
}
