using System.Buffers.Text;
using System.Globalization;
using System.Text;
using ZeroTier.Platform;

namespace ZeroTier.Engines;

/// <summary>
/// Keeps the UDP port of a node without a configured one in its storage folder, so that a restart uses the same port. Peers keep sending to
/// the previous endpoint: ZeroTierOne 1.12 ignores another port of the same address for 19 s, and keeps a silent path for four minutes.
/// </summary>
/// <remarks>
/// Not 9993, even where it is free: it belongs to the machine's ZeroTier One service, which may start later; a second node on the machine
/// would not get it; and routers that keep port numbers can do so for one node behind them only.
/// </remarks>
internal sealed class StoredPort(string folder)
{
    private const int MaximumFileSize = 16;

    // Below the systems' ephemeral ranges (Linux from 32768, others from 49152), so that it stays free while the node is down.
    private const int First = 20_000;
    private const int End = 32_768;
    private const int Attempts = 16;

    private readonly string _file = Path.Combine(folder, "port");

    /// <summary>The port of the last run; 0 when there is none or it cannot be read.</summary>
    public int Load()
    {
        try
        {
            return File.Exists(_file) && Utf8Parser.TryParse(PrivateFile.Read(_file, MaximumFileSize), out ushort port, out _) ? port : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Stores the port for the next run.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Save(int port) =>
        PrivateFile.Write(
            _file, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{port}\n")), secret: false, overwrite: true);

    /// <summary>The ports to try in turn: that of the last run, some random ones, and finally 0, which lets the system choose.</summary>
    /// <param name="last">The port of the last run; 0 = none.</param>
    /// <param name="random">Returns a non-negative number below its argument.</param>
    public static IEnumerable<int> Candidates(int last, Func<int, int> random)
    {
        if (last != 0)
        {
            yield return last;
        }

        for (int i = 0; i < Attempts; i++)
        {
            yield return First + random(End - First);
        }

        yield return 0;
    }
}
