using Microsoft.AspNetCore.Http;
using ZeroTier.Service.AspNetCore.Access;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>Determines the actor of a request, for the audit trail.</summary>
internal static class RequestActor
{
    public static Actor Of(HttpContext context)
    {
        string? name = ApiGuard.HasPolicy(context) ? context.User.Identity?.Name : "token";
        return new Actor(string.IsNullOrWhiteSpace(name) ? "user without a name" : name[..Math.Min(name.Length, Actor.MaxNameLength)]);
    }
}
