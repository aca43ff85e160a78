using System.Net.Sockets;

namespace ZeroTier.Controller.Tests.Store;

/// <summary>A socket before the server's, on which connections can hang, or break at the worst moment.</summary>
internal sealed class PostgreSqlLink : IAsyncDisposable
{
    private const string SocketName = ".s.PGSQL.5432";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-link-");
    private readonly Socket _listener = NewSocket();
    private readonly string _server;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private volatile bool _isFrozen;
    private volatile bool _losesCommits;

    /// <param name="serverFolder">Where the server's socket is.</param>
    public PostgreSqlLink(string serverFolder)
    {
        _server = Path.Combine(serverFolder, SocketName);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, SocketName)));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Folder => _folder.FullName;

    /// <summary>From now on nothing gets through, and nobody is told.</summary>
    public void Freeze() => _isFrozen = true;

    /// <summary>Whether a connection breaks after the server has committed, before it can say so.</summary>
    public bool LosesCommits { set => _losesCommits = value; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _folder.Delete(recursive: true);
    }

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ForwardAsync(await _listener.AcceptAsync(_end.Token)));
            }
        }
        catch (OperationCanceledException)
        {
        }

        await Task.WhenAll(connections);
    }

    private async Task ForwardAsync(Socket client)
    {
        using var server = NewSocket();
        using (client)
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(_end.Token))
        {
            // With its end: transactions begin as "READ COMMITTED".
            byte[] commit = [.. "COMMIT"u8, 0];
            bool loses = false;
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_server), end.Token);
            Task[] ways =
            [
                PumpAsync(client, server, bytes => loses |= _losesCommits && bytes.IndexOf(commit) >= 0, end),
                PumpAsync(server, client, _ => loses ? throw new OperationCanceledException() : false, end),
            ];
            await Task.WhenAll(ways);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Func<ReadOnlySpan<byte>, bool> look, CancellationTokenSource end)
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (await from.ReceiveAsync(buffer, end.Token) is > 0 and int length)
            {
                look(buffer.AsSpan(0, length));
                if (_isFrozen)
                {
                    await Task.Delay(Timeout.Infinite, end.Token);
                }

                await to.SendAsync(buffer.AsMemory(0, length), end.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
        }

        await end.CancelAsync();
    }
}
