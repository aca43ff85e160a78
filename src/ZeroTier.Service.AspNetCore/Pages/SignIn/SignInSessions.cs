using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ZeroTier.Service.AspNetCore.Pages.SignIn;

/// <summary>
/// Who has signed in, in memory: a restart ends all sessions. The browser holds a random secret, of which only the hash is kept here. A
/// session ends after half an hour without use, after eight hours in any case, when its owner signs out, and when too many others have
/// begun. Thread-safe.
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

    /// <summary>Begins a session.</summary>
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
    /// <param name="secret">What the browser sent.</param>
    /// <param name="isUse">Whether a person is at work, which keeps the session; not so where a page refreshes itself.</param>
    /// <returns>What is cancelled when the session ends; null where there is none.</returns>
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

    // What is looked up is a hash, so that the time it takes says nothing about a secret.
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

        // The lock of the sessions is not held: those who wait for the end are called.
        public void Close()
        {
            end.Cancel();
            end.Dispose();
        }
    }
}
