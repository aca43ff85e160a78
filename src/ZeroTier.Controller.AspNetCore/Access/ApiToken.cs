using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ZeroTier.Controller.AspNetCore.Access;

/// <summary>The secret that programs show, in a file as ZeroTierOne's (docs/protocol/5-http-api.md 5.1.3).</summary>
internal sealed class ApiToken(IOptions<ZeroTierControllerOptions> options, IHostEnvironment environment, ILoggerFactory loggerFactory)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private const int Length = 24;
    private const int MinLength = 16;
    private const int MaxLength = 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly ILogger _logger = loggerFactory.CreateLogger(ControllerApiLog.Category);
    private readonly Lock _gate = new();
    private byte[]? _secret;

    /// <summary>The file.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(options.Value.TokenPath ?? DefaultPath(environment.ApplicationName));

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
                _secret = ReadOrMake();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _secret = [];
                ControllerApiLog.TokenUnusable(_logger, exception.Message);
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

    private static string DefaultPath(string application)
    {
        string folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        string name = string.Concat((application is { Length: > 0 } ? application : "app")
            .Select(c => System.IO.Path.GetInvalidFileNameChars().Contains(c) ? '_' : c));
        return System.IO.Path.Combine(folder, "ztkestrel", "controllers", name, ZeroTierControllerOptions.TokenFileName);
    }

    private byte[] ReadOrMake()
    {
        if (!File.Exists(Path))
        {
            Make();
        }

        using FileStream file = File.OpenRead(Path);
        byte[] content = new byte[MaxLength];
        int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        byte[] secret = content.AsSpan(0, length).Trim(" \t\r\n"u8).ToArray();
        CryptographicOperations.ZeroMemory(content);
        if (secret.Length < MinLength || length == MaxLength)
        {
            ControllerApiLog.TokenUnusable(_logger, $"'{Path}' does not hold a token of {MinLength} to {MaxLength - 1} characters. Delete the file: a new one is made.");
            return [];
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(Path) & Others) != 0)
        {
            ControllerApiLog.TokenReadable(_logger, Path);
        }

        ControllerApiLog.TokenLoaded(_logger, Path);
        return secret;
    }

    private void Make()
    {
        string folder = System.IO.Path.GetDirectoryName(Path)!;
        var how = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
            how.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using var file = new FileStream(Path, how);
            file.Write(Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(Alphabet, Length)));
        }
        catch (IOException) when (File.Exists(Path))
        {
            // Another process was faster.
        }
    }
}
