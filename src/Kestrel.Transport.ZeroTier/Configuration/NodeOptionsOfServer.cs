using Microsoft.Extensions.Options;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// In a web app node and server share one options object, since <see cref="ZeroTierOptions"/> derives from
/// <see cref="ZeroTierNodeOptions"/>. Runs everything that configures or validates the base type on that object.
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
