using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Engines;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>The secret that programs show, in a file as ZeroTierOne's (docs/protocol/5-http-api.md 5.1.3).</summary>
internal sealed class ApiToken(
    IOptions<ZeroTierServiceOptions> options, IOptions<ZeroTierNodeOptions> node, IHostEnvironment environment, ILoggerFactory loggerFactory)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private const int Length = 24;
    private const int MinLength = 16;
    private const int MaxLength = 1023;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly ILogger _logger = loggerFactory.CreateLogger(AccessLog.Category);
    private readonly Lock _gate = new();
    private byte[]? _secret;

    /// <summary>Reads the file, and makes it where it is missing. What is wrong with it is logged, and nobody gets in by token then.</summary>
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
                _secret = ReadOrMake(Path.GetFullPath(options.Value.TokenPath ?? DefaultPath()));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _secret = [];
                AccessLog.TokenUnusable(_logger, exception.Message);
            }
        }
    }

    /// <summary>Whether a text is the token. How long it takes says nothing about the token.</summary>
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
            PrivateFile.Write(path, Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(Alphabet, Length)), secret: true, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was faster.
        }
    }

    private string DefaultPath()
    {
        string application = environment.ApplicationName is { Length: > 0 } name ? name : "app";
        string folder = NodeStorage.PathOf(node.Value, application) ?? NodeStorage.DefaultPath(application);
        return Path.Combine(folder, ZeroTierServiceOptions.TokenFileName);
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
            AccessLog.TokenUnusable(_logger, $"'{path}' does not hold a token of {MinLength} to {MaxLength} characters. Delete the file: a new one is made.");
            return [];
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
        {
            AccessLog.TokenReadable(_logger, path);
        }

        AccessLog.TokenLoaded(_logger, path);
        return secret;
    }
}
