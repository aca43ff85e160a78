namespace Transport.Functional.Tests;

/// <summary>The suite is differential only when every behaviour runs over every transport.</summary>
public sealed class CompletenessTests
{
    [Fact]
    public void Every_behaviour_runs_over_every_transport()
    {
        var types = typeof(FunctionalTransport).Assembly.GetTypes();
        var behaviours = types.Where(
            type => type is { IsAbstract: true, IsSealed: false }
                && type.Namespace!.EndsWith("Behaviours", StringComparison.Ordinal)).ToArray();
        var transports = types.Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(FunctionalTransport))).ToArray();
        Assert.NotEmpty(behaviours);
        Assert.NotEmpty(transports);
        var missing =
            from behaviour in behaviours
            from transport in transports
            where !types.Any(type => type.BaseType == behaviour && type.GetConstructor([transport]) is not null)
            select $"{behaviour.Name} over {transport.Name}";
        Assert.Empty(missing);
    }
}
