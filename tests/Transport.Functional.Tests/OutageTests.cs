using EndToEnd.Tests;

namespace Transport.Functional.Tests;

/// <summary>
/// A path that carries nothing for six seconds, which is a second longer than Kestrel's own patience. The managed engine only: it lets a
/// test take its path away.
/// </summary>
public sealed class OutageTests(ManagedTransport transport)
{
    private const int Length = 2_000_000;

    // Kestrel looks at the average: what came before must not make up for the outage.
    private const int Before = 100;

    private static readonly TimeSpan s_outage = TimeSpan.FromSeconds(6);

    [Fact]
    public Task Rule_10_5_An_outage_of_six_seconds_kills_an_upload_by_default() => UploadAsync(limits: true);

    [Fact]
    public Task Rule_10_5_An_outage_of_six_seconds_leaves_an_upload_intact_without_the_limits() => UploadAsync(limits: false);

    private async Task UploadAsync(bool limits)
    {
        var reading = new Signal();
        await using var server = await FunctionalServer.StartAsync(
            transport,
            async context =>
            {
                reading.Set();
                await context.Response.WriteAsync(await Pattern.HashAsync(context.Request.Body));
            },
            options => options.Kestrel = kestrel =>
            {
                if (!limits)
                {
                    kestrel.Limits.MinRequestBodyDataRate = null;
                    kestrel.Limits.MinResponseDataRate = null;
                }
            });
        MutedTransport? path = null;
        using var http = new HttpClient(await transport.CreateHandlerAsync(() => path = new MutedTransport())) { Timeout = 2 * Wait.Limit };
        var content = new InterruptedContent();
        var upload = http.PostAsync(server.Url(), content);
        await content.Begun.WaitAsync();
        await reading.WaitAsync();
        path!.Dead = true;
        content.GoOn.Set();
        await Task.Delay(s_outage);
        if (limits)
        {
            // A heartbeat of Kestrel's later.
            await Wait.UntilAsync(
                () => server.Logs.Lines.Any(line => line.Event.Name == "RequestBodyMinimumDataRateNotSatisfied"),
                "the rate was found too low");
            path.Dead = false;
            var exception = await Record.ExceptionAsync(
                async () => Assert.Equal(System.Net.HttpStatusCode.RequestTimeout, (await upload).StatusCode));
            Assert.True(exception is null or HttpRequestException, exception?.ToString());
        }
        else
        {
            path.Dead = false;
            using var response = await upload;
            Assert.Equal(Pattern.Hash(Length), await response.Content.ReadAsStringAsync());
        }
    }

    /// <summary>Waits after the beginning.</summary>
    private sealed class InterruptedContent : HttpContent
    {
        public Signal Begun { get; } = new();

        public Signal GoOn { get; } = new();

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            byte[] bytes = Pattern.Bytes(Length);
            await stream.WriteAsync(bytes.AsMemory(0, Before));
            await stream.FlushAsync();
            Begun.Set();
            await GoOn.WaitAsync();
            await stream.WriteAsync(bytes.AsMemory(Before));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Length;
            return true;
        }
    }
}
