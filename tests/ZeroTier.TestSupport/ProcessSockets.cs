namespace ZeroTier.TestSupport;

/// <summary>The sockets of this process, from the tables of Linux.</summary>
public static class ProcessSockets
{
    /// <summary>The fields of each line of a table that is one of this process's sockets; none where the system is another.</summary>
    /// <param name="table"><c>tcp</c>, <c>tcp6</c>, <c>udp</c>, <c>udp6</c> or <c>unix</c>.</param>
    public static IReadOnlyList<string[]> Of(string table)
    {
        string path = $"/proc/self/net/{table}";
        if (!File.Exists(path))
        {
            return [];
        }

        // Other threads close descriptors meanwhile, which then have no target.
        var own = Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(descriptor => new FileInfo(descriptor).LinkTarget)
            .Where(target => target?.StartsWith("socket:[", StringComparison.Ordinal) == true)
            .Select(target => target![8..^1])
            .ToHashSet();
        int inode = table == "unix" ? 6 : 9;
        return
        [
            .. File.ReadLines(path).Skip(1)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(fields => own.Contains(fields[inode])),
        ];
    }
}
