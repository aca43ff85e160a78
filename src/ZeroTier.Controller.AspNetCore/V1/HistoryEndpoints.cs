using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using ZeroTier.Service.AspNetCore.Pages;

namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>The endpoints of the audit trail and of live events.</summary>
internal static class HistoryEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/audit", AuditAsync)
            .WithName("ReadAudit")
            .WithDescription("Who changed what, newest first.").Produces<Page<AuditResource>>();
        api.MapGet("/events", EventsAsync).WithName("ReadEvents")
            .WithDescription(
                "Server-sent events: ready, network.changed, network.deleted, member.changed, member.deleted, member.online, " +
                    "member.offline; missed where the reader was too slow, who then reads the resources anew.")
            .Produces<EventResource>(contentType: "text/event-stream");
    }

    private static async Task<IResult> AuditAsync(
        HttpContext context, string? network = null, string? member = null, string? after = null, int limit = Paging.DefaultLimit)
    {
        Paging.Check(limit);
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        long before = 0;
        if (after is not null && !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out before))
        {
            throw new ArgumentException($"after is '{after}'; it must be what 'next' of the page before was.");
        }

        var query = new AuditQuery
        {
            Network = network is null ? null : ResourceEndpoint.NetworkOf(network),
            Member = member is null ? null : ResourceEndpoint.NodeOf(member),
            Before = after is null ? null : before,
            Limit = limit,
        };
        var entries = new List<AuditResource>();
        await foreach (AuditEntry entry in controller.ReadAuditAsync(query, context.RequestAborted).ConfigureAwait(false))
        {
            entries.Add(Conversion.ToResource(entry));
        }

        string? next = entries.Count == limit ? entries[^1].Id.ToString(CultureInfo.InvariantCulture) : null;
        return TypedResults.Json(new Page<AuditResource>(entries, next), ResourceJson.Default.PageAuditResource);
    }

    private static async Task<IResult> EventsAsync(
        HttpContext context, IHostApplicationLifetime lifetime, TimeProvider time, string? network = null)
    {
        NetworkController controller = await ResourceEndpoint.ControllerOf(context).ConfigureAwait(false);
        NetworkId? only = network is null ? null : ResourceEndpoint.NetworkOf(network);

        // Subscribe before the response starts, so that no event is missed.
        ControllerSubscription subscription = controller.Subscribe();
        context.Response.RegisterForDispose(subscription);
        return TypedResults.ServerSentEvents(
            ReadAsync(subscription, only, time, lifetime.ApplicationStopping, context.RequestAborted));
    }

    private static async IAsyncEnumerable<SseItem<EventResource>> ReadAsync(
        ControllerSubscription subscription,
        NetworkId? only,
        TimeProvider time,
        CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken aborted)
    {
        yield return new SseItem<EventResource>(new EventResource(time.GetUtcNow(), only?.ToString()), "ready");

        // End the stream when the host stops, since an open response would delay the shutdown.
        using var end = stopping.UnsafeRegister(static s => ((ControllerSubscription)s!).Dispose(), subscription);
        using var over = new CancellationTokenSource(PageRoutes.StreamAge, time);
        using var age = over.Token.UnsafeRegister(static s => ((ControllerSubscription)s!).Dispose(), subscription);
        long missed = 0;
        await foreach (ControllerEvent happened in subscription.ReadAllAsync(aborted).ConfigureAwait(false))
        {
            if (subscription.Missed is var count && count != missed)
            {
                missed = count;
                yield return new SseItem<EventResource>(new EventResource(happened.Time, only?.ToString()), "missed");
            }

            if (only is null || happened.NetworkId == only)
            {
                yield return Describe(happened);
            }
        }
    }

    private static SseItem<EventResource> Describe(ControllerEvent happened)
    {
        string network = happened.NetworkId.ToString();
        (string type, string? member, long? revision) = happened switch
        {
            NetworkChanged changed => ("network.changed", null, changed.Network.Revision),
            NetworkDeleted => ("network.deleted", null, null),
            MemberChanged changed => ("member.changed", changed.Member.Node.ToString(), changed.Member.Revision),
            MemberDeleted deleted => ("member.deleted", deleted.Node.ToString(), null),
            MemberPresenceChanged presence => (presence.IsOnline ? "member.online" : "member.offline", presence.Node.ToString(), null),
            _ => ("changed", (string?)null, (long?)null),
        };
        return new SseItem<EventResource>(new EventResource(happened.Time, network, member, revision), type)
        {
            EventId = happened.Sequence.ToString(CultureInfo.InvariantCulture),
        };
    }
}
