using Microsoft.AspNetCore.Http;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>Somebody else is faster between the look and the change.</summary>
public class PreconditionsTests
{
    [Fact]
    public async Task A_change_of_whatever_is_there_looks_again_where_somebody_else_was_faster()
    {
        var (seen, _) = await ChangeAsync("*");
        Assert.Equal([1, 2], seen);
    }

    [Fact]
    public async Task A_change_of_one_revision_is_refused_where_somebody_else_was_faster()
    {
        var (seen, error) = await ChangeAsync("\"1\"");
        Assert.Equal([1], seen);
        Assert.Equal(StatusCodes.Status412PreconditionFailed, error?.StatusCode);
    }

    // The first change meets another one, which makes revision 2 of revision 1.
    private static async Task<(IReadOnlyList<long?> Seen, BadHttpRequestException? Error)> ChangeAsync(string ifMatch)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Patch;
        context.Request.Headers.IfMatch = ifMatch;
        long present = 1;
        var seen = new List<long?>();
        try
        {
            await Preconditions.ChangeAsync(context.Request, () => present, revision =>
            {
                seen.Add(revision);
                return ++present == 2 ? throw new StoreConflictException("somebody else") : Task.FromResult(revision);
            });
            return (seen, null);
        }
        catch (BadHttpRequestException exception)
        {
            return (seen, exception);
        }
    }
}
