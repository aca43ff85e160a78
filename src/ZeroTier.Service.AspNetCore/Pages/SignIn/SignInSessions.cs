using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ZeroTier.Service.AspNetCore.Pages.SignIn;

/// <summary>
/// The sessions of signed-in users, in memory only, so that a restart ends them. The browser has a random secret, of which only the hash is
/// stored here. A session ends after 30 minutes without use, after eight hours in any case, at sign-out, or when it is the least recently
/// used one and there are too many. Thread-safe.
/// </summary>
internal sealed class SignInSessions(TimeProvider timeProvider)
{
    public const int MaxSessions = 100;
    public static readonly TimeSpan MaxIdle = TimeSpan.FromMinutes(30);
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(8);
    private const int SecretLength = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Session> _sessions = [];
    private long _uses;

    /// <summary>Creates a session.</summary>
    /// <returns>Its secret.</returns>
    public string Begin()
    {
        string secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretLength));
        string key = KeyOf(secret);
        var session = new Session(timeProvider.GetTimestamp(), new CancellationTokenSource(MaxIdle, timeProvider));
        Session? dropped = null;
        lock (_gate)
        {
            session.LastUse = ++_uses;
            if (_sessions.Count == MaxSessions)
            {
                _sessions.Remove(_sessions.MinBy(s => s.Value.LastUse).Key, out dropped);
            }

            _sessions.Add(key, session);
        }

        session.End.Token.UnsafeRegister(_ => End(key), null);
        dropped?.Close();
        return secret;
    }

    /// <summary>Finds the session of a secret.</summary>
    /// <param name="secret">The secret sent by the browser.</param>
    /// <param name="isUse">Whether the request was caused by the user and extends the session; false for automatic refreshes.</param>
    /// <returns>A token that is cancelled when the session ends; null when there is no such session.</returns>
    public CancellationToken? Find(string? secret, bool isUse)
    {
        lock (_gate)
        {
            if (string.IsNullOrEmpty(secret) || !_sessions.TryGetValue(KeyOf(secret), out Session? session) ||
                session.End.IsCancellationRequested)
            {
                return null;
            }

            if (isUse)
            {
                session.LastUse = ++_uses;
                TimeSpan left = MaxAge - timeProvider.GetElapsedTime(session.Began);
                session.End.CancelAfter(left < TimeSpan.Zero ? TimeSpan.Zero : left < MaxIdle ? left : MaxIdle);
            }

            return session.End.Token;
        }
    }

    /// <summary>Ends the session of a secret, if there is one.</summary>
    public void SignOut(string? secret)
    {
        if (!string.IsNullOrEmpty(secret))
        {
            End(KeyOf(secret));
        }
    }

    // Lookup by hash, so that its time reveals nothing about a secret.
    private static string KeyOf(string secret) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private void End(string key)
    {
        Session? session;
        lock (_gate)
        {
            _sessions.Remove(key, out session);
        }

        session?.Close();
    }

    private sealed class Session(long began, CancellationTokenSource end)
    {
        public long Began => began;

        public CancellationTokenSource End => end;

        public long LastUse { get; set; }

        // Must not be called under the lock, because cancellation runs callbacks.
        public void Close()
        {
            end.Cancel();
            end.Dispose();
        }
    }
}
