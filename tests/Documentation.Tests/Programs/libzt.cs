// What docs/libzt.md says is in scope; its statements come after this, a method for each row.
#pragma warning disable CS0168, CS0219, CS1998, CS9113 // A row shows a line; what it declares is used by nobody.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using ZeroTier;
using ZeroTier.Libzt;
using ZeroTier.Managed;

int rows = typeof(Rows).GetMethods().Count(
    method => method.DeclaringType == typeof(Rows) && method.Name.StartsWith("Row", StringComparison.Ordinal));
Console.WriteLine($"{rows} rows");

internal sealed class Rows(
    ManagedNode managed,
    NetworkId network,
    NodeId member,
    IPAddress address,
    ZeroTierConnection connection,
    ZeroTierConnectionStream stream,
    IZeroTierListener listener,
    IZeroTierDatagramSocket socket,
    byte[] buffer,
    string folder,
    string text,
    PlanetRoot[] roots,
    NodeIdentity identityOfRoot,
    PlanetSigningKey signingKey,
    CancellationToken token)
{
    private readonly ZeroTierNode node = managed;

    // ROWS
}
