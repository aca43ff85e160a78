using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Authentication;

/// <summary>
/// Binds <c>ZeroTier:Members</c>. At start an invalid entry is a validation error, reported together with all others. After a change at run
/// time it is logged as a warning, and its node then has neither name nor roles.
/// </summary>
internal sealed class MembersSection(
    string scheme, IConfiguration configuration, ILogger<MembersSection> logger) : IConfigureNamedOptions<ZeroTierAuthenticationOptions>
{
    /// <summary>The name of the section within <c>ZeroTier</c>.</summary>
    public const string Name = "Members";

    /// <summary>Reads the valid entries and reports errors for the others.</summary>
    public static void Read(IConfigurationSection section, IDictionary<NodeId, ZeroTierMember> members, IList<string> errors)
    {
        foreach (var entry in section.GetChildren().Where(entry => !SectionReader.IsComment(entry.Key)))
        {
            if (!NodeId.TryParse(entry.Key, out NodeId node))
            {
                errors.Add(
                    $"{entry.Path}: '{entry.Key}' is not the ID of a node. Expected 10 hexadecimal digits, as 'zt id' shows them, for "
                    + "example 8056c2e21c.");
                continue;
            }

            var member = new ZeroTierMember { Name = entry[nameof(ZeroTierMember.Name)] };
            foreach (string role in SectionReader.List(entry.GetSection(nameof(ZeroTierMember.Roles))))
            {
                member.Roles.Add(role);
            }

            foreach (var unknown in entry.GetChildren().Where(child => !IsSetting(child.Key)))
            {
                errors.Add(
                    $"{unknown.Path} is not a setting. A member has {nameof(ZeroTierMember.Name)} and {nameof(ZeroTierMember.Roles)}.");
            }

            members[node] = member;
        }
    }

    public void Configure(ZeroTierAuthenticationOptions options) => Configure(Options.DefaultName, options);

    public void Configure(string? name, ZeroTierAuthenticationOptions options)
    {
        if (name != scheme)
        {
            return;
        }

        var errors = new List<string>();
        Read(configuration.GetSection(ZeroTierOptions.SectionName).GetSection(Name), options.Members, errors);
        foreach (string error in errors)
        {
            AuthenticationLog.MemberIgnored(logger, error);
        }
    }

    private static bool IsSetting(string key) =>
        SectionReader.IsComment(key)
        || string.Equals(key, nameof(ZeroTierMember.Name), StringComparison.OrdinalIgnoreCase)
        || string.Equals(key, nameof(ZeroTierMember.Roles), StringComparison.OrdinalIgnoreCase);
}
