using System.Net.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Checks that libzt's sockets will get descriptors below 1024. libzt waits for its UDP sockets with <c>select</c>, whose <c>fd_set</c> has
/// 1024 bits: a higher descriptor makes it write out of bounds (docs/protocol/4-libzt-api.md 9, and section 13, rule 15). Windows has no
/// such limit.
/// </summary>
internal static class DescriptorQuota
{
    private const int TableSize = 1024;

    // libzt opens one socket per address of the machine and UDP port, and a few more.
    private const int Needed = 32;

    /// <summary>Opens as many sockets as libzt may need, checks their descriptors, and closes them.</summary>
    /// <exception cref="ZeroTierException">A descriptor is too high, or no more sockets can be opened.</exception>
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
