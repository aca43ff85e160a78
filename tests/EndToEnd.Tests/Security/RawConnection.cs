using System.Text;
using ZeroTier;

namespace EndToEnd.Tests.Security;

/// <summary>The client's side of a TCP connection by hand, so that the test knows every number of it. Expects no loss.</summary>
internal sealed class RawConnection
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly RawMember _member;
    private readonly NodeId _server;
    private readonly ushort _port;
    private readonly ushort _serverPort;
    private uint _sent;
    private uint _received;

    private RawConnection(RawMember member, NodeId server, ushort port, ushort serverPort, uint sent, uint received)
    {
        _member = member;
        _server = server;
        _port = port;
        _serverPort = serverPort;
        _sent = sent;
        _received = received;
    }

    /// <summary>The three-way handshake.</summary>
    public static async Task<RawConnection> OpenAsync(
        RawMember member, NodeId server, ushort port, ushort serverPort, ushort window, CancellationToken cancellationToken)
    {
        const uint Begin = 1000;
        member.SendSegment(server, member.Address, new RawSegment(port, serverPort, Begin, 0, RawSegment.Syn, [], window));
        var answer = await member.Received(port).ReadAsync(cancellationToken).AsTask().WaitAsync(Limit, cancellationToken);
        Assert.Equal(RawSegment.Syn | RawSegment.Ack, answer.Flags);
        var connection = new RawConnection(member, server, port, serverPort, Begin + 1, answer.Sequence + 1);
        member.SendSegment(server, member.Address, connection.Next([], window));
        return connection;
    }

    /// <summary>The segment that the server expects now.</summary>
    public RawSegment Next(ReadOnlySpan<byte> data, ushort window = 65535, byte flags = RawSegment.Ack) =>
        new(_port, _serverPort, _sent, _received, flags, data.ToArray(), window);

    public void Send(string text, ushort window = 65535)
    {
        _member.SendSegment(_server, _member.Address, Next(Encoding.ASCII.GetBytes(text), window));
        _sent += (uint)text.Length;
    }

    /// <summary>Reads until the text received so far ends so.</summary>
    public async Task<string> ReadUntilAsync(string end, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            var segment = await _member.Received(_port).ReadAsync(cancellationToken).AsTask().WaitAsync(Limit, cancellationToken);
            Assert.Equal(0, segment.Flags & RawSegment.Rst);
            if (segment.Sequence == _received && segment.Data.Length > 0)
            {
                text.Append(Encoding.ASCII.GetString(segment.Data));
                _received += (uint)segment.Data.Length;
                _member.SendSegment(_server, _member.Address, Next([]));
            }
        }

        return text.ToString();
    }
}
