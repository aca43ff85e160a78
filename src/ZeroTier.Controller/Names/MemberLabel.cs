using System.Text;

namespace ZeroTier.Controller.Names;

/// <summary>Derives the DNS label in the network's domain from a member's name.</summary>
internal static class MemberLabel
{
    private const int MaxLength = 63;

    /// <summary>
    /// Converts to lower case and replaces each run of characters not permitted in host names (RFC 1123, 2.1: letters, digits, hyphens) by
    /// one hyphen, with none at the ends: "Orders API" becomes <c>orders-api</c>. Null when nothing is left, and for a text in the form of
    /// a node ID, which is reserved for that node.
    /// </summary>
    public static string? Of(string? name)
    {
        if (name is null)
        {
            return null;
        }

        var label = new StringBuilder(MaxLength);
        bool isGap = false;
        foreach (char c in name)
        {
            if (char.IsAsciiLetterOrDigit(c) || c == '-')
            {
                label.Append(isGap && c != '-' && label.Length > 0 && label[^1] != '-' ? "-" : "").Append(char.ToLowerInvariant(c));
                isGap = false;
            }
            else
            {
                isGap = true;
            }

            if (label.Length > MaxLength)
            {
                break;
            }
        }

        string text = label.ToString();
        text = (text.Length > MaxLength ? text[..MaxLength] : text).Trim('-');
        return text.Length == 0 || NodeId.TryParse(text, out _) ? null : text;
    }
}
