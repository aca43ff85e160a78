using System.Globalization;

namespace EndToEnd;

/// <summary>The request handlers of every server.</summary>
internal static class Handlers
{
    private static readonly byte[] Hello = "Hello, World!"u8.ToArray();
    private static readonly byte[] Block = new byte[64 * 1024];

    /// <summary>Adds the handlers. The action is called when the first response of <c>/plain</c> has been sent.</summary>
    public static void Map(WebApplication app, Action onFirstResponse)
    {
        int responses = 0;
        int held = 0;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        app.Run(async context =>
        {
            switch (context.Request.Path.Value)
            {
                case "/plain":
                    if (Interlocked.Exchange(ref responses, 1) == 0)
                    {
                        context.Response.OnCompleted(() =>
                        {
                            onFirstResponse();
                            return Task.CompletedTask;
                        });
                    }

                    context.Response.ContentType = "text/plain";
                    context.Response.ContentLength = Hello.Length;
                    await context.Response.Body.WriteAsync(Hello, context.RequestAborted);
                    break;
                case "/download":
                    await DownloadAsync(context);
                    break;
                case "/upload":
                    await UploadAsync(context);
                    break;
                case "/hold":
                    if (Interlocked.Increment(ref held) == int.Parse(context.Request.Query["count"]!, CultureInfo.InvariantCulture))
                    {
                        release.SetResult();
                    }

                    await release.Task.WaitAsync(TimeSpan.FromSeconds(60), context.RequestAborted);
                    break;
                case "/held":
                    await context.Response.WriteAsync(
                        Volatile.Read(ref held).ToString(CultureInfo.InvariantCulture), context.RequestAborted);
                    break;
                default:
                    context.Response.StatusCode = 404;
                    break;
            }
        });
    }

    /// <summary>Sends 64 KiB blocks until the client closes the connection.</summary>
    /// <remarks>
    /// Over sockets Kestrel discards what is written to a closed connection without waiting. A few handlers that write on until their
    /// request is aborted would keep all threads of the pool busy for seconds, and none would be left to run the abort: so this one gives
    /// way when it has not waited for long. On an open connection it waits for nearly every block.
    /// </remarks>
    private static async Task DownloadAsync(HttpContext context)
    {
        const int mostWithoutWaiting = 64;
        int withoutWaiting = 0;
        try
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                var write = context.Response.Body.WriteAsync(Block, context.RequestAborted);
                withoutWaiting = write.IsCompletedSuccessfully ? withoutWaiting + 1 : 0;
                await write;
                if (withoutWaiting == mostWithoutWaiting)
                {
                    withoutWaiting = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client ends the transfer by closing the connection.
        }
    }

    private static async Task UploadAsync(HttpContext context)
    {
        try
        {
            while (true)
            {
                var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // As above.
        }
    }
}
