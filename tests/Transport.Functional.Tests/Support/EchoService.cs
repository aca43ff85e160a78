using System.Globalization;
using Grpc.Core;

namespace Transport.Functional.Tests.Support;

/// <summary>A gRPC service with a method of each kind. They are virtual, since the framework takes no other.</summary>
[BindServiceMethod(typeof(EchoMethods), nameof(EchoMethods.Bind))]
internal class EchoService(EchoService.Seen seen)
{
    /// <summary>The message turned around; the metadata <c>echo</c> comes back as a header and as a trailer.</summary>
    public virtual async Task<string> Reverse(string request, ServerCallContext context)
    {
        seen.Peer.Set(context.Peer);
        string echo = context.RequestHeaders.GetValue("echo") ?? "";
        await context.WriteResponseHeadersAsync([new("echo", echo)]);
        context.ResponseTrailers.Add("echo", echo);
        return string.Concat(request.Reverse());
    }

    /// <summary>An error with the message as its detail.</summary>
    public virtual Task<string> Fail(string request, ServerCallContext context) =>
        throw new RpcException(new Status(StatusCode.FailedPrecondition, request));

    /// <summary>No answer until the call is cancelled.</summary>
    public virtual async Task<string> Hang(string request, ServerCallContext context)
    {
        seen.Hanging.Set();
        await Wait.CancelledAsync(context.CancellationToken);
        seen.Cancelled.Set();
        return request;
    }

    /// <summary>The numbers below the one in the message.</summary>
    public virtual async Task Count(string request, IServerStreamWriter<string> responses, ServerCallContext context)
    {
        for (int i = 0; i < int.Parse(request, CultureInfo.InvariantCulture); i++)
        {
            await responses.WriteAsync(i.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>How many messages came, and of how many characters.</summary>
    public virtual async Task<string> Measure(IAsyncStreamReader<string> requests, ServerCallContext context)
    {
        var (messages, characters) = (0, 0);
        await foreach (string request in requests.ReadAllAsync(context.CancellationToken))
        {
            messages++;
            characters += request.Length;
        }

        return $"{messages} {characters}";
    }

    /// <summary>Each message at once.</summary>
    public virtual async Task Talk(IAsyncStreamReader<string> requests, IServerStreamWriter<string> responses, ServerCallContext context)
    {
        await foreach (string request in requests.ReadAllAsync(context.CancellationToken))
        {
            await responses.WriteAsync(request);
        }
    }

    /// <summary>What the test wants to know of the calls.</summary>
    internal sealed class Seen
    {
        public Signal<string> Peer { get; } = new();

        public Signal Hanging { get; } = new();

        public Signal Cancelled { get; } = new();
    }
}
