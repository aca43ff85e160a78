namespace Transport.Functional.Tests.Support;

/// <summary>The few HTTP/2 frames that a test sends by hand.</summary>
internal static class Http2Wire
{
    private const byte HeadersFrame = 1;
    private const byte SettingsFrame = 4;
    private const byte EndStreamAndHeaders = 0x5;

    /// <summary>The client's preface with empty settings.</summary>
    public static byte[] Preface { get; } = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(SettingsFrame, 0, 0, [])];

    /// <summary>A request for "/", in HPACK's static table and literals.</summary>
    public static byte[] Get(byte streamId) =>
        Frame(HeadersFrame, EndStreamAndHeaders, streamId, [0x82, 0x84, 0x86, 0x41, 4, .. "test"u8]);

    private static byte[] Frame(byte type, byte flags, byte streamId, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, streamId, .. payload];
}
