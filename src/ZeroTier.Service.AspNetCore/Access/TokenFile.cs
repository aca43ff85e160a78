using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>A token in a file, as ZeroTierOne's (docs/protocol/5-http-api.md 5.1.3). Thread-safe.</summary>
internal abstract class TokenFile(ILogger logger)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private const int Length = 24;
    private const int MinLength = 16;
    private const int MaxLength = 1023;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly Lock _gate = new();
    private byte[]? _secret;

    /// <summary>The file.</summary>
    public abstract string FilePath { get; }

    /// <summary>Reads the file, creating it if it is missing. Problems are logged; no token is accepted then.</summary>
    public void Load()
    {
        lock (_gate)
        {
            if (_secret is not null)
            {
                return;
            }

            try
            {
                _secret = ReadOrMake(FilePath);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _secret = [];
                AccessLog.TokenUnusable(logger, exception.Message);
            }
        }
    }

    /// <summary>Whether a text is the token; compared in constant time.</summary>
    public bool Is(ReadOnlySpan<char> text)
    {
        Load();
        Span<byte> given = stackalloc byte[MaxLength];
        return _secret is { Length: > 0 } secret && Encoding.UTF8.TryGetBytes(text, given, out int length) &&
            CryptographicOperations.FixedTimeEquals(secret, given[..length]);
    }

    private static void Make(string path)
    {
        OwnerFolder.Create(Path.GetDirectoryName(path)!);
        try
        {
            byte[] token = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(Alphabet, Length));
            PrivateFile.Write(path, token, secret: true, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process has created the file first: use its token.
        }
    }

    private byte[] ReadOrMake(string path)
    {
        if (!File.Exists(path))
        {
            Make(path);
        }

        byte[] content = PrivateFile.Read(path, MaxLength);
        byte[] secret = content.AsSpan().Trim(" \t\r\n"u8).ToArray();
        CryptographicOperations.ZeroMemory(content);
        if (secret.Length < MinLength)
        {
            AccessLog.TokenUnusable(
                logger,
                $"'{path}' does not hold a token of {MinLength} to {MaxLength} characters. "
                    + "Delete the file and start the app again: it makes a new one.");
            return [];
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
        {
            AccessLog.TokenReadable(logger, path);
        }

        AccessLog.TokenLoaded(logger, path);
        return secret;
    }
}
