using System.Runtime.CompilerServices;

namespace Transport.Functional.Tests.Behaviours;

/// <summary>
/// What Kestrel's switch <c>FinOnError</c> changes. It holds for a whole process, so <see cref="FinOnErrorProcessTests"/> runs these in one
/// of their own.
/// </summary>
public abstract class FinOnErrorTests(FunctionalTransport transport)
{
    private const int WriteFin = 7;
    private const int Error = 14;

    [Fact(Explicit = true)]
    public Task Rule_6_6_With_FinOnError_an_abort_ends_with_FIN() => AssertFinAsync(
        [WriteFin],
        connection =>
        {
            connection.Abort(new ConnectionAbortedException("on purpose"));
            return Task.CompletedTask;
        });

    [Fact(Explicit = true)]
    public Task Rule_6_6_With_FinOnError_an_output_that_fails_ends_with_FIN() => AssertFinAsync(
        [Error, WriteFin],
        async connection =>
        {
            await connection.Transport.Output.CompleteAsync(new InvalidOperationException("on purpose"));
            await Wait.CancelledAsync(connection.ConnectionClosed);
        });

    private async Task AssertFinAsync(int[] events, Func<ConnectionContext, Task> end)
    {
        await using var server = await FunctionalServer.StartRawAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadAsync();
            await end(connection);
        });
        await using var client = await server.ConnectAsync();
        await client.SendAsync("x");
        var ending = (await client.ReadToEndAsync()).Ending;
        await server.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(events, server.ConnectionEvents);

        // A kernel resets a connection that is closed with unread input, whatever the transport wants.
        Assert.True(ending == Ending.Fin || !transport.KeepsAnswersToUnreadInput);
    }
}

/// <summary>Sets the switch before anything reads it.</summary>
internal static class FinOnErrorSwitch
{
    public const string Variable = "FUNCTIONAL_TESTS_FIN_ON_ERROR";

    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255",
        Justification = "Kestrel reads the switch once, when its types are loaded.")]
    internal static void Set()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.FinOnError", true);
        }
    }
}
