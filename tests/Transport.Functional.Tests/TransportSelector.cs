using Transport.Functional.Tests;
using Transport.Functional.Tests.Behaviours;

[assembly: AssemblyFixture(typeof(SocketsTransport))]
[assembly: AssemblyFixture(typeof(ManagedTransport))]

namespace Transport.Functional.Tests;

// The one place that says which behaviour runs over which transport. CompletenessTests sees to it that nothing is left out.

/// <summary>Kernel TCP, Kestrel's own transport.</summary>
public static class OverSockets
{
    public sealed class Requests(SocketsTransport transport) : RequestTests(transport);

    public sealed class Responses(SocketsTransport transport) : ResponseTests(transport);

    public sealed class RawConnections(SocketsTransport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(SocketsTransport transport) : LogEventTests(transport);
}

/// <summary>The managed engine.</summary>
public static class OverManaged
{
    public sealed class Requests(ManagedTransport transport) : RequestTests(transport);

    public sealed class Responses(ManagedTransport transport) : ResponseTests(transport);

    public sealed class RawConnections(ManagedTransport transport) : RawConnectionTests(transport);

    public sealed class LogEvents(ManagedTransport transport) : LogEventTests(transport);
}
