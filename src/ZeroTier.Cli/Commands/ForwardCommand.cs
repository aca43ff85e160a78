using System.CommandLine;
using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Cli.Commands;

/// <summary>
/// <c>zt forward LOCAL_PORT HOST:PORT</c>: forwards a local TCP port to a host on the network, for browsers and load tools.
/// </summary>
internal static class ForwardCommand
{
    public static Command Create()
    {
        var localPort = new Argument<ushort>("local-port") { Description = "The TCP port to open on 127.0.0.1; 0 lets the system choose." };
        var target = new Argument<string>("host:port")
        {
            Description =
                "Where on the network: [fc..]:8080, 10.1.2.3:8080, NODE.NETWORK.zt:8080, or a name in the network's search domain.",
        };
        var command = new Command("forward", "Carries a local TCP port to a port on the network.") { localPort, target };
        var timeout = ConnectTimeout.AddTo(command);
        var capture = CaptureCommand.AddTo(command);
        var options = NodeOptions.AddTo(command);
        command.SetAction((parse, cancellationToken) =>
            RunAsync(
                NodeOptions.Read(parse, options) with { Capture = parse.GetValue(capture) },
                parse.GetValue(localPort),
                parse.GetRequiredValue(target),
                ConnectTimeout.Read(parse, timeout),
                cancellationToken));
        return command;
    }

    // The pause after a failed accept: descriptors become free when other connections end.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private static async Task<int> RunAsync(
        NodeOptions options, ushort localPort, string target, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await using var session = await NodeSession.OpenAsync(options, cancellationToken);
        var destination = (await session.ResolveAsync(target, cancellationToken))[0];
        var connectionOptions = ZeroTierConnectionOptions.Default with { ConnectTimeout = timeout };
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, localPort));
            listener.Listen();
        }
        catch (SocketException exception)
        {
            throw new IOException(
                $"127.0.0.1:{localPort} cannot be opened ({exception.Message}). Name another local port, or 0 for any.", exception);
        }

        Status.Info($"http://{listener.LocalEndPoint} leads to {destination}. Ctrl-C ends it.");
        try
        {
            while (true)
            {
                if (await AcceptAsync(listener, cancellationToken) is { } client)
                {
                    _ = CarryAsync(session, client, destination, connectionOptions, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Success;
        }
    }

    /// <summary>
    /// Accepts a local connection. Null when that failed: out of descriptors, or the client has disconnected already. Other connections go
    /// on.
    /// </summary>
    private static async Task<Socket?> AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        try
        {
            var client = await listener.AcceptAsync(cancellationToken);
            client.NoDelay = true;
            return client;
        }
        catch (SocketException exception)
        {
            Status.Error($"A local connection could not be accepted: {exception.Message}");
            await Task.Delay(AcceptPause, TimeProvider.System, cancellationToken);
            return null;
        }
    }

    private static async Task CarryAsync(
        NodeSession session,
        Socket client,
        ZeroTierEndPoint destination,
        ZeroTierConnectionOptions options,
        CancellationToken cancellationToken)
    {
        await using var local = new NetworkStream(client, ownsSocket: true);
        try
        {
            await using var connection = await session.Node.ConnectAsync(destination, options, cancellationToken);
            var upload = UploadAsync(local, connection, cancellationToken);
            try
            {
                await connection.Input.CopyToAsync(local, cancellationToken);

                // The remote end has finished sending: pass its FIN on, and let the upload go on until the client ends too.
                client.Shutdown(SocketShutdown.Send);
                await upload;
            }
            catch
            {
                connection.Abort();
                throw;
            }
        }
        catch (Exception exception)
        {
            // Print the reason before the reset, since the user may end this process on seeing the reset.
            if (!cancellationToken.IsCancellationRequested)
            {
                Status.Error($"A connection to {destination} failed: {exception.Message}");
            }

            // Reset the local connection, so that the client sees an error and not a short but complete answer.
            client.Close(timeout: 0);
        }
    }

    private static async Task UploadAsync(NetworkStream local, ZeroTierConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await local.CopyToAsync(connection.Output.AsStream(leaveOpen: true), cancellationToken);
            await connection.Output.CompleteAsync();
        }
        catch (Exception)
        {
            // Usually the local client has disconnected: reset, so that the remote end does not take the partial data for complete.
            connection.Abort();
        }
    }
}
