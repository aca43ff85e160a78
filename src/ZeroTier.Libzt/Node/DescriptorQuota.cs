using System.Net.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Checks that libzt's sockets get descriptors below 1024. libzt waits for its UDP sockets with <c>select</c>, whose table has 1024 bits: a
/// higher number makes it write beyond the table (docs/protocol/4-libzt-api.md 9, and section 13, rule 15). Windows has no such limit.
/// </summary>
internal static class DescriptorQuota
{
    private const int TableSize = 1024;

    // A socket per address of the machine and port, and a few of its own.
    private const int Needed = 32;

    /// <summary>Opens as many sockets as libzt may need, and closes them again.</summary>
    /// <exception cref="ZeroTierException">Their numbers are too high, or there are none.</exception>
    public static void Require()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var trials = new List<Socket>(Needed);
        try
        {
            while (trials.Count < Needed)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                trials.Add(socket);
                if (socket.Handle >= TableSize)
                {
                    throw new ZeroTierException(
                        ZeroTierError.NotPermitted,
                        $"This process has about {socket.Handle} files and sockets open, and libzt corrupts memory when its own get "
                        + $"numbers from {TableSize} on. Start the node before the process opens so many, or use the managed engine, which "
                        + "has no such limit.");
                }
            }
        }
        catch (SocketException e)
        {
            throw new ZeroTierException(
                ZeroTierError.NotPermitted,
                $"libzt needs {Needed} sockets of the operating system, and only {trials.Count} could be opened: {e.Message}. Close files "
                + "or sockets, or raise the process' limit (ulimit -n).",
                e);
        }
        finally
        {
            trials.ForEach(static socket => socket.Dispose());
        }
    }
}
