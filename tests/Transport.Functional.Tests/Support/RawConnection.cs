using System.Net;
using System.Text;

namespace Transport.Functional.Tests.Support;

/// <summary>How the other end finished.</summary>
internal enum Ending
{
    Fin,
    Reset,
}

/// <summary>A client's connection byte by byte. Every wait is bounded.</summary>
internal abstract class RawConnection(Stream stream) : IAsyncDisposable
{
    private readonly List<byte> _ahead = [];

    public Stream Stream => stream;

    public abstract IPEndPoint LocalEndPoint { get; }

    /// <summary>Sends FIN; receiving goes on.</summary>
    public abstract void CloseSending();

    /// <summary>Sends RST.</summary>
    public abstract void Reset();

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await stream.WriteAsync(bytes, limit.Token);
        await stream.FlushAsync(limit.Token);
    }

    /// <summary>Reads until the text has been seen and returns everything up to its end.</summary>
    public async Task<string> ReadUntilAsync(string end)
    {
        byte[] mark = Encoding.Latin1.GetBytes(end);
        while (true)
        {
            int found = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ahead).IndexOf(mark);
            if (found >= 0)
            {
                return Encoding.Latin1.GetString(Take(found + mark.Length));
            }

            Assert.True(await ReadMoreAsync(), $"The connection ended before '{end}'; it said: {Encoding.Latin1.GetString([.. _ahead])}");
        }
    }

    public async Task<byte[]> ReadExactlyAsync(int count)
    {
        while (_ahead.Count < count)
        {
            Assert.True(await ReadMoreAsync(), $"The connection ended after {_ahead.Count} of {count} bytes.");
        }

        return Take(count);
    }

    /// <summary>Reads one HTTP/1.1 response; its body may have a length, be chunked, or end with the connection.</summary>
    public async Task<WireResponse> ReadResponseAsync()
    {
        string head = await ReadUntilAsync("\r\n\r\n");
        string[] lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1)
            .Select(line => line.Split(": ", 2))
            .ToLookup(parts => parts[0], parts => parts[1], StringComparer.OrdinalIgnoreCase);
        int status = int.Parse(lines[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        string body = "";
        if (headers["Content-Length"].FirstOrDefault() is { } length)
        {
            body = Encoding.Latin1.GetString(await ReadExactlyAsync(int.Parse(length, System.Globalization.CultureInfo.InvariantCulture)));
        }
        else if (headers["Transfer-Encoding"].Contains("chunked"))
        {
            body = await ReadChunksAsync();
        }
        else if (headers["Connection"].Contains("close"))
        {
            body = (await ReadToEndAsync()).Text;
        }

        return new WireResponse(status, headers, body);
    }

    /// <summary>Reads what is left and says how it ended.</summary>
    public async Task<(byte[] Bytes, Ending Ending)> ReadBytesToEndAsync()
    {
        try
        {
            while (await ReadMoreAsync())
            {
            }

            return (Take(_ahead.Count), Ending.Fin);
        }
        catch (Exception exception) when (IsReset(exception))
        {
            return (Take(_ahead.Count), Ending.Reset);
        }
    }

    public async Task<(string Text, Ending Ending)> ReadToEndAsync()
    {
        var (bytes, ending) = await ReadBytesToEndAsync();
        return (Encoding.Latin1.GetString(bytes), ending);
    }

    /// <summary>Sends until sending fails.</summary>
    public async Task SendUntilEndAsync()
    {
        byte[] bytes = new byte[16 * 1024];
        try
        {
            while (true)
            {
                await stream.WriteAsync(bytes);
            }
        }
        catch (Exception exception) when (exception is not NullReferenceException)
        {
            // However it ends: the test looks at the other direction.
        }
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    protected abstract bool IsReset(Exception exception);

    private async Task<string> ReadChunksAsync()
    {
        var body = new StringBuilder();
        while (true)
        {
            int length = int.Parse(
                (await ReadUntilAsync("\r\n")).Trim(),
                System.Globalization.NumberStyles.HexNumber,
                System.Globalization.CultureInfo.InvariantCulture);
            if (length == 0)
            {
                while (await ReadUntilAsync("\r\n") is not "\r\n")
                {
                }

                return body.ToString();
            }

            body.Append(Encoding.Latin1.GetString(await ReadExactlyAsync(length)));
            Assert.Equal("\r\n", await ReadUntilAsync("\r\n"));
        }
    }

    private async Task<bool> ReadMoreAsync()
    {
        byte[] buffer = new byte[16 * 1024];
        using var limit = new CancellationTokenSource(Wait.Limit);
        int read = await stream.ReadAsync(buffer, limit.Token);
        _ahead.AddRange(buffer.AsSpan(0, read));
        return read > 0;
    }

    private byte[] Take(int count)
    {
        byte[] taken = [.. _ahead[..count]];
        _ahead.RemoveRange(0, count);
        return taken;
    }
}

/// <summary>An HTTP/1.1 response as it came.</summary>
internal sealed record WireResponse(int Status, ILookup<string, string> Headers, string Body);
