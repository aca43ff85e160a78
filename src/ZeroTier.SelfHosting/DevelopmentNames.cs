using System.Buffers;
using System.Text;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.SelfHosting;

/// <summary>
/// The names of a development network. For each name the folder has a file with the member that it resolves to, and a lock file that its
/// holder locks. Only processes of the same user can write there. Thread-safe.
/// </summary>
internal sealed class DevelopmentNames(string folder)
{
    // RFC 1035 section 2.3.4.
    private const int MaxLabelLength = 63;
    private const int MaxNames = 1024;
    private const int MaxFileSize = 64;
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>
    /// Converts an application's name to a host name label (RFC 1123 section 2.1): lower case, other characters replaced by hyphens.
    /// Returns null when nothing is left, or when the label would hide a node ID or <c>localhost</c>.
    /// </summary>
    public static string? Label(string application)
    {
        var text = new StringBuilder();
        foreach (char c in application.ToLowerInvariant())
        {
            bool isPart = LabelCharacters.Contains(c) && c != '-';
            if (isPart || (text.Length > 0 && text[^1] != '-'))
            {
                text.Append(isPart ? c : '-');
            }
        }

        text.Length = Math.Min(text.Length, MaxLabelLength);
        string label = text.ToString().TrimEnd('-');
        return label.Length == 0 || label == "localhost" || NodeId.TryParse(label, out _) ? null : label;
    }

    /// <summary>Claims a name for a member; returns null when another process holds it.</summary>
    /// <exception cref="ZeroTierException">The folder cannot be used, or has too many names.</exception>
    public DevelopmentName? Announce(string label, NodeId node, NetworkId network)
    {
        PrivateFolder.Create(folder);
        try
        {
            string file = NameFile(label);
            if (!File.Exists(file) && Directory.EnumerateFiles(folder, "*.name").Count() >= MaxNames)
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage, $"The folder '{folder}' has {MaxNames} names. Remove those of programs that are no more.");
            }

            if (PrivateFolder.TryLock(Path.Combine(folder, label + ".lock")) is not { } claim)
            {
                return null;
            }

            try
            {
                PrivateFile.Write(file, Encoding.ASCII.GetBytes(ZeroTierName.Of(node, network)), secret: true, overwrite: true);
                return new DevelopmentName(label, file, claim);
            }
            catch
            {
                claim.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw new ZeroTierException(ZeroTierError.Storage, $"The folder '{folder}' cannot be used: {e.Message}", e);
        }
    }

    /// <summary>
    /// Resolves a name such as <c>orders</c> or <c>orders.zt</c> to <c>NODE.NETWORK.zt</c>. Returns null when no process has announced it.
    /// </summary>
    public string? Find(string host)
    {
        string name = host.EndsWith('.') ? host[..^1] : host;
        name = name.EndsWith(ZeroTierName.Suffix, StringComparison.OrdinalIgnoreCase) ? name[..^ZeroTierName.Suffix.Length] : name;
        if (Label(name) is not { } label
            || !label.Equals(name, StringComparison.OrdinalIgnoreCase)
            || NameFile(label) is var file && !File.Exists(file))
        {
            return null;
        }

        try
        {
            // The file is written atomically, so one that is not a member's name was not written by this class.
            string member = Encoding.ASCII.GetString(PrivateFile.Read(file, MaxFileSize));
            return ZeroTierName.TryParseMember(member, out _, out _) ? member : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string NameFile(string label) => Path.Combine(folder, label + ".name");
}
