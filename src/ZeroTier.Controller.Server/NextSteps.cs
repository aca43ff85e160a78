using ZeroTier.Managed;
using ZeroTier.Service.AspNetCore;

namespace ZeroTier.Controller.Server;

/// <summary>What to do once the server runs, as commands to copy.</summary>
internal static class NextSteps
{
    public static string Of(ServerSettings settings, NodeId self, PlanetRoot? root, int httpPort) =>
        $"""
        Node {self} is the controller of its networks{(root is null ? "" : $", and their root at {string.Join(", ", root.EndPoints)}")}.
          1. Make a network; this prints its ID:
               zt controller network create --name office --ipv4 10.20.0.0/24 --home {settings.Home}
          2. {(settings.PlanetPath is { } planet ? $"Copy {planet} to another machine, and join there:" : "Join on another machine:")}
               zt join NETWORK --home member {(settings.IsPublic ? "--public-roots" : "--planet planet")} --wait
          3. It prints its node's address. Let it in, here:
               zt controller member authorize NETWORK NODE --home {settings.Home}
             To shut it out again:
               zt controller member deauthorize NETWORK NODE --home {settings.Home}
          All of that in the browser: http://localhost:{httpPort}/admin/
               How the node is: http://localhost:{httpPort}/zerotier/
               The token to sign in with is in {Path.Combine(settings.Home, ZeroTierServiceOptions.TokenFileName)}.

        """;
}
