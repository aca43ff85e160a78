using Transport.Functional.Tests;
using Transport.Functional.Tests.Behaviours;

[assembly: AssemblyFixture(typeof(SocketsTransport))]
[assembly: AssemblyFixture(typeof(ManagedTransport))]
[assembly: AssemblyFixture(typeof(ManagedIPv4Transport))]
[assembly: AssemblyFixture(typeof(LibztTransport))]
[assembly: AssemblyFixture(typeof(LibztIPv4Transport))]

namespace Transport.Functional.Tests;

// The one place that says which behaviour runs over which transport. CompletenessTests sees to it that nothing is left out.

/// <summary>Kernel TCP, Kestrel's own transport.</summary>
public static class OverSockets
{
    public sealed class Requests(SocketsTransport transport) : RequestTests(transport);

    public sealed class Responses(SocketsTransport transport) : ResponseTests(transport);

    public sealed class RawConnections(SocketsTransport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(SocketsTransport transport) : LogEventTests(transport);

    public sealed class BackPressure(SocketsTransport transport) : BackPressureTests(transport);

    public sealed class Middleware(SocketsTransport transport) : MiddlewareTests(transport);

    public sealed class Tls(SocketsTransport transport) : TlsTests(transport);

    public sealed class Http2(SocketsTransport transport) : Http2Tests(transport);

    public sealed class Grpc(SocketsTransport transport) : GrpcTests(transport);

    public sealed class SignalR(SocketsTransport transport) : SignalRTests(transport);

    public sealed class WebSockets(SocketsTransport transport) : WebSocketTests(transport);

    public sealed class Streaming(SocketsTransport transport) : StreamingTests(transport);

    public sealed class Limits(SocketsTransport transport) : LimitTests(transport);

    public sealed class Shutdown(SocketsTransport transport) : ShutdownTests(transport);

    public sealed class Metrics(SocketsTransport transport) : MetricsTests(transport);

    public sealed class FinOnError(SocketsTransport transport) : FinOnErrorTests(transport);
}

/// <summary>The managed engine.</summary>
public static class OverManaged
{
    public sealed class Requests(ManagedTransport transport) : RequestTests(transport);

    public sealed class Responses(ManagedTransport transport) : ResponseTests(transport);

    public sealed class RawConnections(ManagedTransport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(ManagedTransport transport) : LogEventTests(transport);

    public sealed class BackPressure(ManagedTransport transport) : BackPressureTests(transport);

    public sealed class Middleware(ManagedTransport transport) : MiddlewareTests(transport);

    public sealed class Tls(ManagedTransport transport) : TlsTests(transport);

    public sealed class Http2(ManagedTransport transport) : Http2Tests(transport);

    public sealed class Grpc(ManagedTransport transport) : GrpcTests(transport);

    public sealed class SignalR(ManagedTransport transport) : SignalRTests(transport);

    public sealed class WebSockets(ManagedTransport transport) : WebSocketTests(transport);

    public sealed class Streaming(ManagedTransport transport) : StreamingTests(transport);

    public sealed class Limits(ManagedTransport transport) : LimitTests(transport);

    public sealed class Shutdown(ManagedTransport transport) : ShutdownTests(transport);

    public sealed class Metrics(ManagedTransport transport) : MetricsTests(transport);

    public sealed class FinOnError(ManagedTransport transport) : FinOnErrorTests(transport);

    public sealed class NodeOnly(ManagedTransport transport) : NodeOnlyTests(transport);

    public sealed class NodeAuthentication(ManagedTransport transport) : NodeAuthenticationTests(transport);
}

/// <summary>The managed engine, over IPv4.</summary>
public static class OverManagedIPv4
{
    public sealed class Requests(ManagedIPv4Transport transport) : RequestTests(transport);

    public sealed class Responses(ManagedIPv4Transport transport) : ResponseTests(transport);

    public sealed class RawConnections(ManagedIPv4Transport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(ManagedIPv4Transport transport) : LogEventTests(transport);

    public sealed class BackPressure(ManagedIPv4Transport transport) : BackPressureTests(transport);

    public sealed class Middleware(ManagedIPv4Transport transport) : MiddlewareTests(transport);

    public sealed class Tls(ManagedIPv4Transport transport) : TlsTests(transport);

    public sealed class Http2(ManagedIPv4Transport transport) : Http2Tests(transport);

    public sealed class Grpc(ManagedIPv4Transport transport) : GrpcTests(transport);

    public sealed class SignalR(ManagedIPv4Transport transport) : SignalRTests(transport);

    public sealed class WebSockets(ManagedIPv4Transport transport) : WebSocketTests(transport);

    public sealed class Streaming(ManagedIPv4Transport transport) : StreamingTests(transport);

    public sealed class Limits(ManagedIPv4Transport transport) : LimitTests(transport);

    public sealed class Shutdown(ManagedIPv4Transport transport) : ShutdownTests(transport);

    public sealed class Metrics(ManagedIPv4Transport transport) : MetricsTests(transport);

    public sealed class FinOnError(ManagedIPv4Transport transport) : FinOnErrorTests(transport);

    public sealed class NodeOnly(ManagedIPv4Transport transport) : NodeOnlyTests(transport);
}

/// <summary>The native engine, over the double of libzt.</summary>
public static class OverLibzt
{
    public sealed class Requests(LibztTransport transport) : RequestTests(transport);

    public sealed class Responses(LibztTransport transport) : ResponseTests(transport);

    public sealed class RawConnections(LibztTransport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(LibztTransport transport) : LogEventTests(transport);

    public sealed class BackPressure(LibztTransport transport) : BackPressureTests(transport);

    public sealed class Middleware(LibztTransport transport) : MiddlewareTests(transport);

    public sealed class Tls(LibztTransport transport) : TlsTests(transport);

    public sealed class Http2(LibztTransport transport) : Http2Tests(transport);

    public sealed class Grpc(LibztTransport transport) : GrpcTests(transport);

    public sealed class SignalR(LibztTransport transport) : SignalRTests(transport);

    public sealed class WebSockets(LibztTransport transport) : WebSocketTests(transport);

    public sealed class Streaming(LibztTransport transport) : StreamingTests(transport);

    public sealed class Limits(LibztTransport transport) : LimitTests(transport);

    public sealed class Shutdown(LibztTransport transport) : ShutdownTests(transport);

    public sealed class Metrics(LibztTransport transport) : MetricsTests(transport);

    public sealed class FinOnError(LibztTransport transport) : FinOnErrorTests(transport);

    public sealed class NodeOnly(LibztTransport transport) : NodeOnlyTests(transport);

    public sealed class NodeAuthentication(LibztTransport transport) : NodeAuthenticationTests(transport);
}

/// <summary>The native engine, over the double of libzt and IPv4.</summary>
public static class OverLibztIPv4
{
    public sealed class Requests(LibztIPv4Transport transport) : RequestTests(transport);

    public sealed class Responses(LibztIPv4Transport transport) : ResponseTests(transport);

    public sealed class RawConnections(LibztIPv4Transport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(LibztIPv4Transport transport) : LogEventTests(transport);

    public sealed class BackPressure(LibztIPv4Transport transport) : BackPressureTests(transport);

    public sealed class Middleware(LibztIPv4Transport transport) : MiddlewareTests(transport);

    public sealed class Tls(LibztIPv4Transport transport) : TlsTests(transport);

    public sealed class Http2(LibztIPv4Transport transport) : Http2Tests(transport);

    public sealed class Grpc(LibztIPv4Transport transport) : GrpcTests(transport);

    public sealed class SignalR(LibztIPv4Transport transport) : SignalRTests(transport);

    public sealed class WebSockets(LibztIPv4Transport transport) : WebSocketTests(transport);

    public sealed class Streaming(LibztIPv4Transport transport) : StreamingTests(transport);

    public sealed class Limits(LibztIPv4Transport transport) : LimitTests(transport);

    public sealed class Shutdown(LibztIPv4Transport transport) : ShutdownTests(transport);

    public sealed class Metrics(LibztIPv4Transport transport) : MetricsTests(transport);

    public sealed class FinOnError(LibztIPv4Transport transport) : FinOnErrorTests(transport);

    public sealed class NodeOnly(LibztIPv4Transport transport) : NodeOnlyTests(transport);
}
