using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Leaves the node out under TestServer, which has no endpoints. It is recognised by its type name, because applications do not reference
/// its package. Its addresses feature cannot tell: it has one.
/// </summary>
internal sealed class TestServerExclusion(IServiceProvider services) : INodeExclusion
{
    // The server is resolved late, since it depends on the node.
    public string? Reason => IsTestServer(services.GetService<IServer>())
        ? "No ZeroTier node runs under TestServer, which serves no endpoints. The package ZeroTier.Testing puts the app on a "
            + "network in memory."
        : null;

    public static bool IsTestServer(IServer? server) => server?.GetType().FullName == "Microsoft.AspNetCore.TestHost.TestServer";
}
