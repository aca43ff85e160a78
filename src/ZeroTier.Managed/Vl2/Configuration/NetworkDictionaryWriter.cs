using System.Globalization;
using System.Text;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// Writes a dictionary (docs/protocol/3-vl2.md 3.2), one entry after the other. The caller must not add a key twice.
/// </summary>
internal sealed class NetworkDictionaryWriter
{
    private readonly List<byte> _text = [];

    /// <summary>Appends an entry whose value is arbitrary bytes.</summary>
    public NetworkDictionaryWriter Add(string key, ReadOnlySpan<byte> value)
    {
        if (_text.Count > 0)
        {
            _text.Add((byte)'\n');
        }

        _text.AddRange(Encoding.ASCII.GetBytes(key));
        _text.Add((byte)'=');
        foreach (byte b in value)
        {
            byte escape = b switch
            {
                0 => (byte)'0',
                (byte)'\r' => (byte)'r',
                (byte)'\n' => (byte)'n',
                (byte)'\\' => (byte)'\\',
                (byte)'=' => (byte)'e',
                _ => 0,
            };
            if (escape != 0)
            {
                _text.Add((byte)'\\');
            }

            _text.Add(escape != 0 ? escape : b);
        }

        return this;
    }

    /// <summary>Appends a number as 16 hexadecimal digits.</summary>
    public NetworkDictionaryWriter Add(string key, ulong value) => Add(key, value.ToString("x16", CultureInfo.InvariantCulture));

    /// <summary>Appends a Boolean value.</summary>
    public NetworkDictionaryWriter Add(string key, bool value) => Add(key, value ? "1" : "0");

    /// <summary>Appends a text.</summary>
    public NetworkDictionaryWriter Add(string key, string value) => Add(key, Encoding.UTF8.GetBytes(value));

    /// <summary>The text so far.</summary>
    public byte[] ToArray() => [.. _text];
}
