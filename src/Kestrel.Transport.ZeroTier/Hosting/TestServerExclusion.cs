using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Runs no node under TestServer, which binds no endpoints. TestServer is recognised by its type name, because this package does not
/// reference its package. The server addresses feature is no criterion, since TestServer has one.
/// </summary>
internal sealed class TestServerExclusion(IServiceProvider services) : INodeExclusion
{
    // The server is resolved at each call and not injected, since it depends on the node.
    public string? Reason => IsTestServer(services.GetService<IServer>())
        ? "No ZeroTier node runs under TestServer, which serves no endpoints. The package ZeroTier.Testing puts the app on a "
            + "network in memory."
        : null;

    public static bool IsTestServer(IServer? server) => server?.GetType().FullName == "Microsoft.AspNetCore.TestHost.TestServer";
}
