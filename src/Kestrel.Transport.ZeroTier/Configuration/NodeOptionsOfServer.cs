using Microsoft.Extensions.Options;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// In a web app the node's options are the base of the server's, one object: what anybody configures or checks on
/// <see cref="ZeroTierNodeOptions"/> goes to it.
/// </summary>
internal sealed class NodeOptionsOfServer(
    IEnumerable<IConfigureOptions<ZeroTierNodeOptions>> configure,
    IEnumerable<IPostConfigureOptions<ZeroTierNodeOptions>> postConfigure,
    IEnumerable<IValidateOptions<ZeroTierNodeOptions>> validate)
    : IConfigureOptions<ZeroTierOptions>, IPostConfigureOptions<ZeroTierOptions>, IValidateOptions<ZeroTierOptions>
{
    public void Configure(ZeroTierOptions options)
    {
        foreach (var step in configure)
        {
            step.Configure(options);
        }
    }

    public void PostConfigure(string? name, ZeroTierOptions options)
    {
        foreach (var step in postConfigure)
        {
            step.PostConfigure(name, options);
        }
    }

    public ValidateOptionsResult Validate(string? name, ZeroTierOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        foreach (var check in validate)
        {
            result.AddResult(check.Validate(name, options));
        }

        return result.Build();
    }
}
