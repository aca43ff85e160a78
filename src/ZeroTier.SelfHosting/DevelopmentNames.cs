using System.Buffers;
using System.Text;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.SelfHosting;

/// <summary>
/// The names of a development network: a file for each in its folder, with the member that it stands for, and a lock that its holder has.
/// Only processes of the same user can write there. Thread-safe.
/// </summary>
internal sealed class DevelopmentNames(string folder)
{
    // RFC 1035, 2.3.4.
    private const int MaxLabelLength = 63;
    private const int MaxNames = 1024;
    private const int MaxFileSize = 64;
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>
    /// The name that an application can have: a label of a host name (RFC 1123, 2.1), lower case, with hyphens for what it may not contain.
    /// Null where none is left, or where it would hide something else: an address of a node, or this machine.
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

    /// <summary>Takes a name for a member; null when another process has it.</summary>
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
    /// What a name stands for, as <c>NODE.NETWORK.zt</c>: <c>orders</c> or <c>orders.zt</c>. Null for names that nobody has announced.
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
            // Written as a whole or not at all, so what is not a member's name was put there by somebody else.
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
