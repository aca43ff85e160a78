using System.Net;
using System.Net.WebSockets;
using System.Security.Claims;
using Grpc.Core;
using Grpc.Net.Client;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Transport.Functional.Tests;

/// <summary>
/// Authentication and policies by the calling node. Where nothing proves the node, which is so on libzt, whatever demands one is closed.
/// </summary>
public abstract class NodeAuthenticationTests(NodeTransport transport)
{
    private static readonly NodeId Stranger = NodeId.Parse("8056c2e21c");

    /// <summary>The policies, and whether they name the caller. A network without a controller of its own has no tags.</summary>
    private static readonly (string Policy, bool Named)[] Policies =
    [
        (nameof(GuardedHub.Node), true), (nameof(GuardedHub.OtherNode), false), (nameof(GuardedHub.Network), true),
        (nameof(GuardedHub.OtherNetwork), false),
        (nameof(GuardedHub.Tag), false), (nameof(GuardedHub.Name), true), (nameof(GuardedHub.OtherName), false),
    ];

    private bool ProvesNodes => transport is not LibztTransport;

    private HttpStatusCode Ok => ProvesNodes ? HttpStatusCode.OK : HttpStatusCode.Forbidden;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Policies_by_node_network_name_and_role_let_in_whom_they_name(string version)
    {
        await using var server = await StartAsync(app =>
        {
            app.MapGet("/open", () => "open");
            app.MapGet("/node", () => "in").RequireZeroTierNode(Stranger, transport.ClientId);
            app.MapGet("/other-node", () => "in").RequireZeroTierNode(Stranger);
            app.MapGet("/network", () => "in").RequireZeroTierNetwork(transport.NetworkId);
            app.MapGet("/other-network", () => "in").RequireZeroTierNetwork(new NetworkId(0x8056c2e21c000001));
            app.MapGet("/tag", () => "in").RequireZeroTierTag(1000, 5);
            app.MapGet("/any", () => "in").RequireAuthorization();
            app.MapGet("/name", () => "in").RequireAuthorization(policy => policy.RequireUserName("orders"));
            app.MapGet("/other-name", () => "in").RequireAuthorization(policy => policy.RequireUserName("invoices"));
            app.MapGet("/role", () => "in").RequireAuthorization(policy => policy.RequireRole("writer"));
            app.MapGet("/other-role", () => "in").RequireAuthorization(policy => policy.RequireRole("admin"));
        }, protocols: version == "2.0" ? HttpProtocols.Http2 : HttpProtocols.Http1);
        using var http = server.CreateClient(version: Version.Parse(version));
        foreach (string path in new[] { "/node", "/network", "/any", "/name", "/role" })
        {
            Assert.Equal((path, Ok), (path, await GetAsync(http, path)));
        }

        foreach (string path in new[] { "/other-node", "/other-network", "/tag", "/other-name", "/other-role" })
        {
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, await GetAsync(http, path)));
        }

        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "/open"));
    }

    [Fact]
    public async Task The_principal_names_node_and_network_and_events_may_add_to_it()
    {
        Assert.SkipUnless(ProvesNodes, "Nothing proves the node.");
        await using var server = await StartAsync(
            app => app.MapGet(
                "/",
                (ClaimsPrincipal user) => string.Join(
                    ' ', user.Claims.Select(claim => $"{claim.Type.Split('/')[^1]}={claim.Value}"))).RequireAuthorization(),
            events => events.OnPeerAuthenticated = context =>
            {
                ((ClaimsIdentity)context.Principal!.Identity!).AddClaim(new Claim("relayed", $"{context.Peer.IsDirect == false}"));
                return Task.CompletedTask;
            });
        using var http = server.CreateClient();
        Assert.Equal(
            $"nameidentifier={transport.ClientId} name=orders zerotier:node={transport.ClientId} zerotier:network={transport.NetworkId} "
            + "role=reader role=writer relayed=False",
            await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_event_may_refuse_a_caller()
    {
        await using var server = await StartAsync(
            app => app.MapGet("/", () => "in").RequireAuthorization(),
            events => events.OnPeerAuthenticated = context =>
            {
                context.Fail("Not at night.");
                return Task.CompletedTask;
            });
        using var http = server.CreateClient();
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(http, "/"));
    }

    [Fact]
    public async Task Where_nothing_proves_the_node_the_event_says_why()
    {
        Assert.SkipWhen(ProvesNodes, "The node is proven.");
        var reason = new Signal<string>();
        await using var server = await StartAsync(
            app => app.MapGet("/", () => "in").RequireAuthorization(),
            events => events.OnAuthenticationFailed = context =>
            {
                reason.Set(context.Reason);
                return Task.CompletedTask;
            });
        using var http = server.CreateClient();
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(http, "/"));
        Assert.Contains("ZeroTier:Engine=Managed", await reason.WaitAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Claims_of_another_scheme_do_not_meet_a_policy_by_node()
    {
        await using var server = await StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                var forged = new ClaimsIdentity([new Claim(ZeroTierClaimTypes.Node, $"{Stranger}")], "Cookies");
                context.User = new ClaimsPrincipal(forged);
                return next(context);
            });
            app.MapGet("/", async (HttpContext context, IAuthorizationService authorization) =>
                (await authorization.AuthorizeAsync(
                    context.User, new AuthorizationPolicyBuilder().RequireZeroTierNode(Stranger).Build())).Succeeded);
        });
        using var http = server.CreateClient();
        Assert.Equal("false", await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task Members_follow_the_configuration_while_the_app_runs()
    {
        Assert.SkipUnless(ProvesNodes, "Nothing proves the node.");
        var configuration = new ConfigurationManager();
        configuration[$"ZeroTier:Members:{transport.ClientId}:Roles:0"] = "reader";
        await using var server = await StartAsync(
            app => app.MapGet("/", (ClaimsPrincipal user) => $"{user.Identity!.Name} {user.IsInRole("reader")}").RequireAuthorization(),
            configuration: configuration);
        using var http = server.CreateClient();
        Assert.Equal($"{transport.ClientId} True", await http.GetStringAsync("/"));

        configuration[$"ZeroTier:Members:{transport.ClientId}:Roles:0"] = "writer";
        configuration[$"ZeroTier:Members:{transport.ClientId}:Name"] = "orders";
        configuration["ZeroTier:Members:nobody:Name"] = "x";
        ((IConfigurationRoot)configuration).Reload();
        Assert.Equal("orders False", await http.GetStringAsync("/"));
        Assert.Contains(server.Logs.Lines, line => line.Text.Contains("'nobody' is not the ID of a node", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_peer_binds_to_a_parameter_of_a_minimal_API()
    {
        await using var server = await StartAsync(app => app.MapGet("/", (IZeroTierPeerFeature? peer) => $"{peer?.Network}"));
        using var http = server.CreateClient();
        Assert.Equal($"{transport.NetworkId}", await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_WebSocket_is_opened_for_whom_its_policy_names_alone()
    {
        await using var server = await StartAsync(app =>
        {
            app.UseWebSockets();
            foreach (var (policy, _) in Policies)
            {
                app.Map($"/{policy}", async (HttpContext context) =>
                {
                    using var socket = await context.WebSockets.AcceptWebSocketAsync();
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "in", default);
                }).RequireAuthorization(policy);
            }
        });
        using var http = server.CreateClient();
        foreach (var (policy, named) in Policies)
        {
            using var socket = new ClientWebSocket();
            socket.Options.CollectHttpResponseDetails = true;
            var error = await Record.ExceptionAsync(
                () => socket.ConnectAsync(new Uri($"ws://{server.EndPoint}/{policy}"), http, default).LimitedAsync());
            Assert.Equal((policy, named && ProvesNodes), (policy, error is null));
            Assert.Equal(
                (policy, error is null ? HttpStatusCode.SwitchingProtocols : HttpStatusCode.Forbidden), (policy, socket.HttpStatusCode));
        }
    }

    [Fact]
    public async Task A_gRPC_method_is_called_by_whom_its_policy_names_alone()
    {
        foreach (var (policy, named) in Policies)
        {
            await using var server = await StartAsync(
                app => app.MapGrpcService<EchoService>().RequireAuthorization(policy), protocols: HttpProtocols.Http2);
            using var channel = GrpcChannel.ForAddress(
                server.Url(), new GrpcChannelOptions { HttpHandler = transport.CreateHandler(null), DisposeHttpClient = true });
            var status = StatusCode.OK;
            try
            {
                Assert.Equal(
                    "olleh",
                    await channel.CreateCallInvoker().AsyncUnaryCall(
                        EchoMethods.Reverse, null, new CallOptions(deadline: DateTime.UtcNow + Wait.Limit), "hello"));
            }
            catch (RpcException exception)
            {
                status = exception.StatusCode;
            }

            Assert.Equal((policy, named && ProvesNodes ? StatusCode.OK : StatusCode.PermissionDenied), (policy, status));
        }
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task A_hub_method_is_called_by_whom_its_policy_names_alone(HttpTransportType type)
    {
        await using var server = await StartAsync(app => app.MapHub<GuardedHub>("/hub"));
        using var handler = transport.CreateHandler(null);
        await using var hub = HubClient.Create(server, transport, type, handler);
        await hub.StartAsync().LimitedAsync();
        foreach (var (policy, named) in Policies)
        {
            var calling = hub.InvokeAsync<string>(policy).LimitedAsync();
            if (named && ProvesNodes)
            {
                Assert.Equal((policy, "orders"), (policy, await calling));
            }
            else
            {
                await Assert.ThrowsAsync<HubException>(() => calling);
            }
        }

        await hub.StopAsync().LimitedAsync();
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task A_hub_is_met_by_whom_its_policy_names_alone(HttpTransportType type)
    {
        await using var server = await StartAsync(app =>
        {
            app.MapHub<GuardedHub>("/hub").RequireAuthorization(nameof(GuardedHub.OtherName));
        });
        using var handler = transport.CreateHandler(null);
        await using var hub = HubClient.Create(server, transport, type, handler);
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => hub.StartAsync().LimitedAsync());
        Assert.Equal(HttpStatusCode.Forbidden, error.StatusCode);
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        return answer.StatusCode;
    }

    private Task<FunctionalServer> StartAsync(
        Action<WebApplication> map, Action<ZeroTierAuthenticationEvents>? events = null, ConfigurationManager? configuration = null,
        HttpProtocols protocols = HttpProtocols.Http1) =>
        FunctionalServer.StartAsync(transport, _ => Task.CompletedTask, options =>
        {
            if (configuration is null)
            {
                configuration = new ConfigurationManager();
                configuration[$"ZeroTier:Members:{transport.ClientId}:Name"] = "orders";
                configuration[$"ZeroTier:Members:{transport.ClientId}:Roles"] = "reader, writer";
            }

            options.Listen = listen => listen.Protocols = protocols;
            options.Builder = builder =>
            {
                builder.Configuration.AddConfiguration(configuration);
                builder.Services.AddAuthentication().AddZeroTier(zeroTier =>
                {
                    zeroTier.Events = new ZeroTierAuthenticationEvents();
                    events?.Invoke(zeroTier.Events);
                });
                builder.Services.AddAuthorization(authorization =>
                {
                    authorization.AddPolicy(nameof(GuardedHub.Node), policy => policy.RequireZeroTierNode(Stranger, transport.ClientId));
                    authorization.AddPolicy(nameof(GuardedHub.OtherNode), policy => policy.RequireZeroTierNode(Stranger));
                    authorization.AddPolicy(nameof(GuardedHub.Network), policy => policy.RequireZeroTierNetwork(transport.NetworkId));
                    authorization.AddPolicy(
                        nameof(GuardedHub.OtherNetwork), policy => policy.RequireZeroTierNetwork(new NetworkId(0x8056c2e21c000001)));
                    authorization.AddPolicy(nameof(GuardedHub.Tag), policy => policy.RequireZeroTierTag(1000, 5));
                    authorization.AddPolicy(nameof(GuardedHub.Name), policy => policy.RequireUserName("orders"));
                    authorization.AddPolicy(nameof(GuardedHub.OtherName), policy => policy.RequireUserName("invoices"));
                });
                builder.Services.AddGrpc();
                builder.Services.AddSingleton<EchoService.Seen>();
                builder.Services.AddSignalR();
                builder.Services.AddRouting();
            };
            options.Pipeline = app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                map(app);
            };
        });

    private sealed class GuardedHub : Hub
    {
        [Authorize(nameof(Node))]
        public string? Node() => Caller;

        [Authorize(nameof(OtherNode))]
        public string? OtherNode() => Caller;

        [Authorize(nameof(Network))]
        public string? Network() => Caller;

        [Authorize(nameof(OtherNetwork))]
        public string? OtherNetwork() => Caller;

        [Authorize(nameof(Tag))]
        public string? Tag() => Caller;

        [Authorize(nameof(Name))]
        public string? Name() => Caller;

        [Authorize(nameof(OtherName))]
        public string? OtherName() => Caller;

        private string? Caller => Context.User!.Identity!.Name;
    }
}
