using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.TestSupport;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>The token's file when several processes start at once, and what is logged of wrong ones.</summary>
public sealed class TokenFileTests
{
    private const int Makers = 8;

    [Fact]
    public async Task Makers_that_start_at_once_end_up_with_one_token()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-token-");
        for (int round = 0; round < 100; round++)
        {
            string path = Path.Combine(folder.FullName, $"{round}", "authtoken.secret");
            using var start = new Barrier(Makers);
            GivenToken[] tokens = [.. Enumerable.Range(0, Makers).Select(_ => new GivenToken(path))];
            await Task.WhenAll(tokens.Select(token => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    token.Load();
                },
                TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            string text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
            Assert.Matches("^[a-z0-9]{24}$", text);
            Assert.All(tokens, token => Assert.True(token.Is(text)));

            // Nothing is left of those who were slower.
            Assert.Equal(["authtoken.secret"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public void Link_in_a_folder_that_others_may_write_is_no_token()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets ordinary users make no links.");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zt-token-");
        string secret = Path.Combine(folder.FullName, "elsewhere");
        File.WriteAllText(secret, "0123456789abcdef01234567");
        DirectoryInfo open = folder.CreateSubdirectory("open");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(open.FullName, (UnixFileMode)0x1ff);
        }

        string path = Path.Combine(open.FullName, "authtoken.secret");
        File.CreateSymbolicLink(path, secret);

        Assert.False(new GivenToken(path).Is("0123456789abcdef01234567"));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Refusals_are_logged_once_a_second_with_their_number()
    {
        var time = new FakeTimeProvider();
        var logger = new FakeLogger();
        var refusals = new Refusals(logger, time);

        for (int i = 0; i < 1000; i++)
        {
            refusals.Report("its token is wrong.");
        }

        time.Advance(TimeSpan.FromMilliseconds(999));
        refusals.Report("its token is wrong.");
        Assert.Equal(1, logger.Collector.Count);
        time.Advance(TimeSpan.FromMilliseconds(1));
        refusals.Report("its token is wrong.");

        Assert.Equal(2, logger.Collector.Count);
        Assert.Contains("1001", logger.LatestRecord.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_token_is_logged_and_none_is_not()
    {
        using var logs = new LogCollector();
        await using ServiceApp app = await ServiceApp.StartAsync(build: builder => builder.Logging.AddProvider(logs), sendsToken: false);

        await app.StatusAsync("/status");
        Assert.DoesNotContain(344, logs.EventsOf(AccessLog.Category));
        await app.StatusAsync("/status", ("X-ZT1-Auth", "guessed"));
        Assert.Contains(344, logs.EventsOf(AccessLog.Category));
        Assert.DoesNotContain(logs.Lines, line => line.Text.Contains("guessed", StringComparison.Ordinal));
    }

    private sealed class GivenToken(string path) : TokenFile(NullLogger.Instance)
    {
        public override string FilePath => path;
    }
}
