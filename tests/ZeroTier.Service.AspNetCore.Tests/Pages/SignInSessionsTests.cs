using Microsoft.Extensions.Time.Testing;
using ZeroTier.Service.AspNetCore.Pages;
using ZeroTier.Service.AspNetCore.Pages.SignIn;

namespace ZeroTier.Service.AspNetCore.Tests.Pages;

public sealed class SignInSessionsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Secrets_are_never_the_same_and_nothing_else_finds_a_session()
    {
        var sessions = new SignInSessions(_time);
        string first = sessions.Begin(), second = sessions.Begin();

        Assert.NotEqual(first, second);
        Assert.NotNull(sessions.Find(first, isUse: true));
        Assert.Null(sessions.Find(first[..^1], isUse: true));
        Assert.Null(sessions.Find("", isUse: true));
        Assert.Null(sessions.Find(null, isUse: true));
    }

    [Fact]
    public void The_end_of_a_session_is_told_to_who_waits_for_it()
    {
        var sessions = new SignInSessions(_time);
        string signedOut = sessions.Begin(), idle = sessions.Begin();
        CancellationToken first = sessions.Find(signedOut, isUse: true)!.Value, second = sessions.Find(idle, isUse: true)!.Value;

        sessions.SignOut(signedOut);
        Assert.True(first.IsCancellationRequested);
        Assert.False(second.IsCancellationRequested);
        Assert.Null(sessions.Find(signedOut, isUse: true));
        _time.Advance(SignInSessions.MaxIdle);
        Assert.True(second.IsCancellationRequested);
        Assert.Null(sessions.Find(idle, isUse: true));

        // Nothing is left to end.
        sessions.SignOut(signedOut);
        sessions.SignOut(idle);
    }

    [Fact]
    public void The_session_that_was_used_least_recently_makes_room()
    {
        var sessions = new SignInSessions(_time);
        string[] secrets = [.. Enumerable.Range(0, SignInSessions.MaxSessions).Select(_ => sessions.Begin())];
        CancellationToken dropped = sessions.Find(secrets[1], isUse: false)!.Value;
        sessions.Find(secrets[0], isUse: true);
        sessions.Begin();

        Assert.True(dropped.IsCancellationRequested);
        Assert.Null(sessions.Find(secrets[1], isUse: true));
        Assert.All(secrets.Where((_, i) => i != 1), secret => Assert.NotNull(sessions.Find(secret, isUse: true)));
    }
}
