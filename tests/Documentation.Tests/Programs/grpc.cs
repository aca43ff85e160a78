// A server and a client of gRPC in one process, without the compiler of .proto files.
using Grpc.Core;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using ZeroTier;

var builder = WebApplication.CreateBuilder(args);
// SNIPPET grpc-server
builder.Services.AddGrpc();
var app = builder.Build();
app.MapGrpcService<Greeter>();
await app.StartAsync();
string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

var caller = Host.CreateApplicationBuilder();
caller.Services.AddZeroTier();
using var host = caller.Build();
await host.StartAsync();
var handler = host.Services.GetRequiredService<ZeroTierHttpHandler>();
// SNIPPET grpc-client
string answer = await channel.CreateCallInvoker().AsyncUnaryCall(
    Greeter.Hello, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(60)), "world");
Console.WriteLine(answer);
await host.StopAsync();
await app.StopAsync();

[BindServiceMethod(typeof(Greeter), nameof(Bind))]
internal class Greeter
{
    public static readonly Method<string, string> Hello = new(
        MethodType.Unary, "test.Greeter", nameof(Say), Marshallers.StringMarshaller, Marshallers.StringMarshaller);

    public static void Bind(ServiceBinderBase binder, Greeter? service) =>
        binder.AddMethod(Hello, (UnaryServerMethod<string, string>?)null);

    public virtual Task<string> Say(string request, ServerCallContext context) => Task.FromResult($"hello {request}");
}
