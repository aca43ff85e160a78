using System.Text;

namespace ZeroTier.Controller.Names;

/// <summary>The label that a member's name becomes in the network's domain.</summary>
internal static class MemberLabel
{
    private const int MaxLength = 63;

    /// <summary>
    /// Lower case; what no host name may have (RFC 1123, 2.1: letters, digits, hyphens) becomes a hyphen, several in a row one, none at the
    /// ends: "Orders API" is <c>orders-api</c>. Null where nothing is left, and for what looks like a node's address, which is that node's
    /// alone.
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
