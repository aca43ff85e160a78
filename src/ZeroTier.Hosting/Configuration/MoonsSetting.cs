using System.Globalization;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Configuration;

/// <summary>Reads <c>ZeroTier:Moons</c>: moon files, or moon IDs with a root to fetch the moon from.</summary>
internal static class MoonsSetting
{
    private const string Name = nameof(ZeroTierNodeOptions.Moons);
    private const string Example = "/etc/myapp/000000deadbeef00.moon or deadbeef00@8056c2e21c";

    public static void Read(SectionReader reader, ICollection<MoonOrbit> moons)
    {
        foreach (string text in reader.List(Name))
        {
            int at = text.IndexOf('@', StringComparison.Ordinal);
            if (at > 0 && ulong.TryParse(text.AsSpan(0, at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id)
                && NodeId.TryParse(text[(at + 1)..], out var seed) && id != 0 && !seed.IsReserved)
            {
                moons.Add(new MoonOrbit(id, seed));
            }
            else if (Load(text, out string why) is { } moon)
            {
                moons.Add(new MoonOrbit(moon));
            }
            else
            {
                reader.Report($"{reader.Path}:{Name} holds '{text}', which is no moon: {why} A valid example is {Example}.");
            }
        }
    }

    private static Moon? Load(string path, out string why)
    {
        why = "";
        try
        {
            return Moon.Load(path);
        }
        catch (Exception exception)
            when (exception is IOException or FormatException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            why = exception.Message;
            return null;
        }
    }
}
