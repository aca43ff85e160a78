using System.Text;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Controller.Members;

/// <summary>The metadata that a node sends with a configuration request (docs/protocol/3-vl2.md 3.3.2). Untrusted.</summary>
/// <param name="Version">Its software version.</param>
/// <param name="UnderstandsRules">Whether it supports rules. If not, it is sent a rule that accepts everything, and only the other members
/// apply the network's rules.</param>
/// <param name="Token">The join token that it presents; null for none.</param>
internal readonly record struct MemberMetadata(MemberVersion Version, bool UnderstandsRules, string? Token)
{
    public static MemberMetadata Read(ReadOnlySpan<byte> metadata)
    {
        var dictionary = new NetworkDictionary(metadata);
        byte[]? credential = dictionary.Find("a"u8);
        return new MemberMetadata(
            new MemberVersion(Part(dictionary, "majv"u8), Part(dictionary, "minv"u8), Part(dictionary, "revv"u8), Part(dictionary, "pv"u8)),
            dictionary.GetNumber("revr"u8) >= 1,
            credential.AsSpan().StartsWith("token:"u8) ? Encoding.UTF8.GetString(credential.AsSpan("token:"u8.Length)) : null);
    }

    private static int Part(in NetworkDictionary dictionary, ReadOnlySpan<byte> key) =>
        (int)Math.Min(dictionary.GetNumber(key), ushort.MaxValue);
}
