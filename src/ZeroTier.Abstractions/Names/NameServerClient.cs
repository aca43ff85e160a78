using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;

namespace ZeroTier.Names;

/// <summary>
/// Queries the name servers of a network, over that network: by UDP, and by TCP when the answer is truncated. Thread-safe.
/// </summary>
internal sealed class NameServerClient(ZeroTierNode node, NameResolverOptions options)
{
    private const int Port = 53;
    private const int MaxDatagram = 4096;
    private const int FirstSourcePort = 49152;
    private const int SourcePortTries = 8;

    /// <summary>How long to wait for each server, in the first and the second round.</summary>
    private static readonly TimeSpan[] Rounds = [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4)];

    private readonly ZeroTierConnectionOptions _connection = new()
    {
        ApplicationScheduler = options.Scheduler,
        TransportScheduler = options.Scheduler,
    };

    /// <summary>Queries one server after the other until one answers.</summary>
    /// <exception cref="ZeroTierException">No server answers, or they refuse to.</exception>
    public async ValueTask<DnsResponse> AskAsync(
        NetworkId network, ZeroTierDns dns, DnsQuestion question, CancellationToken cancellationToken)
    {
        ZeroTierException? error = null;
        bool refused = false;
        foreach (var limit in Rounds)
        {
            foreach (var server in dns.Servers)
            {
                using var timeout = new CancellationTokenSource(limit, options.TimeProvider);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
                try
                {
                    var response = await AskAsync(network, server, question, either.Token).ConfigureAwait(false);
                    if (response.Outcome is DnsOutcome.Answer or DnsOutcome.NoSuchName)
                    {
                        return response;
                    }

                    refused = true;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // Try the next server, or the next round.
                }
                catch (ZeroTierException e)
                {
                    error = e;
                }
            }
        }

        string servers = string.Join(", ", dns.Servers);
        throw new ZeroTierException(
            refused ? ZeroTierError.AddressNotAvailable : ZeroTierError.TimedOut,
            refused
                ? $"The name servers of network {network} ({servers}) refuse to answer for '{question.Name}'. Check that they serve the "
                    + $"domain {dns.Domain}, and the members of the network."
                : $"No name server of network {network} ({servers}) answered for "
                    + $"'{question.Name}'{(error is null ? "" : $": {error.Message.TrimEnd('.')}")}. "
                    + "Check that the servers run, are members of the network, and that its rules let port 53 through (UDP and TCP); or "
                    + "use an address.",
            error);
    }

    private async ValueTask<DnsResponse> AskAsync(
        NetworkId network, IPAddress server, DnsQuestion question, CancellationToken cancellationToken)
    {
        ushort id = RandomNumber();
        byte[] query = question.Encode(id);
        var response = await AskByUdpAsync(network, server, question, id, query, cancellationToken).ConfigureAwait(false);
        return response.Outcome == DnsOutcome.Truncated
            ? await AskByTcpAsync(network, server, question, id, query, cancellationToken).ConfigureAwait(false)
            : response;
    }

    private async ValueTask<DnsResponse> AskByUdpAsync(
        NetworkId network, IPAddress server, DnsQuestion question, ushort id, byte[] query, CancellationToken cancellationToken)
    {
        var remote = new IPEndPoint(server, Port);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(MaxDatagram);
        try
        {
            var socket = await BindAsync(network, cancellationToken).ConfigureAwait(false);
            await using (socket.ConfigureAwait(false))
            {
                await socket.SendToAsync(query, remote, cancellationToken).ConfigureAwait(false);
                while (true)
                {
                    // Ignore other datagrams, without extending or ending the wait.
                    var received = await socket.ReceiveFromAsync(buffer, cancellationToken).ConfigureAwait(false);
                    if (received.RemoteEndPoint.Equals(remote)
                        && DnsResponse.TryRead(buffer.AsSpan(0, received.Length), id, question, out var response))
                    {
                        return response;
                    }
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<DnsResponse> AskByTcpAsync(
        NetworkId network, IPAddress server, DnsQuestion question, ushort id, byte[] query, CancellationToken cancellationToken)
    {
        var connection = await node.ConnectAsync(
            new ZeroTierEndPoint(network, server, Port), _connection, cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            byte[] message = new byte[sizeof(ushort) + query.Length];
            BinaryPrimitives.WriteUInt16BigEndian(message, (ushort)query.Length);
            query.CopyTo(message, sizeof(ushort));
            await connection.Output.WriteAsync(message, cancellationToken).ConfigureAwait(false);
            byte[] answer = await ReadMessageAsync(connection.Input, cancellationToken).ConfigureAwait(false);
            return DnsResponse.TryRead(answer, id, question, out var response) && response.Outcome != DnsOutcome.Truncated
                ? response
                : throw Damaged(server);
        }

        async ValueTask<byte[]> ReadMessageAsync(PipeReader input, CancellationToken token)
        {
            int needed = sizeof(ushort);
            while (true)
            {
                var result = await input.ReadAtLeastAsync(needed, token).ConfigureAwait(false);
                if (result.Buffer.Length < needed)
                {
                    throw Damaged(server);
                }

                byte[] bytes = result.Buffer.Slice(0, needed).ToArray();
                input.AdvanceTo(result.Buffer.Start, result.Buffer.GetPosition(needed));
                int whole = sizeof(ushort) + BinaryPrimitives.ReadUInt16BigEndian(bytes);
                if (bytes.Length >= whole)
                {
                    return bytes[sizeof(ushort)..whole];
                }

                needed = whole;
            }
        }
    }

    // Chooses the source port randomly here and not in the engine: port and ID together are what a forger has to guess (RFC 5452, 9.2).
    private async ValueTask<IZeroTierDatagramSocket> BindAsync(NetworkId network, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            int port = FirstSourcePort + RandomNumber() % (IPEndPoint.MaxPort + 1 - FirstSourcePort);
            try
            {
                return await node.BindDatagramAsync(new ZeroTierEndPoint(network, port), cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException e) when (e.Error == ZeroTierError.AddressInUse && tries < SourcePortTries)
            {
                // Try another port.
            }
        }
    }

    private ushort RandomNumber()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        options.Random(bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    private static ZeroTierException Damaged(IPAddress server) => new(
        ZeroTierError.AddressNotAvailable,
        string.Create(CultureInfo.InvariantCulture, $"name server {server} gave no proper answer over TCP"));
}
