using System.Net;

namespace Transport.Functional.Tests.Transports;

/// <summary>A transport under Kestrel and a client that reaches it. Every behaviour is written against this class only.</summary>
public abstract class FunctionalTransport
{
    /// <summary>The last part of the log category of its connections.</summary>
    internal abstract string Name { get; }

    /// <summary>
    /// Whether a server that answers and closes while the client still sends loses nothing. A kernel resets a connection that is closed
    /// with unread input, and the reset may overtake the answer (dotnet/aspnetcore#41074).
    /// </summary>
    internal abstract bool KeepsAnswersToUnreadInput { get; }

    /// <summary>Puts Kestrel on the transport, with one endpoint whose port is chosen at start.</summary>
    internal abstract void Listen(IWebHostBuilder web, ServerOptions options, Action<ListenOptions> configure);

    /// <summary>Opens a connection to a server of <see cref="Listen"/>.</summary>
    internal abstract Task<RawConnection> ConnectAsync(IPEndPoint server, CancellationToken cancellationToken);

    /// <summary>Makes HTTP's way to the servers of <see cref="Listen"/>.</summary>
    internal abstract HttpMessageHandler CreateHandler(Action<SocketsHttpHandler>? configure);

    internal string LogCategory => $"Microsoft.AspNetCore.Server.Kestrel.Transport.{Name}";
}
