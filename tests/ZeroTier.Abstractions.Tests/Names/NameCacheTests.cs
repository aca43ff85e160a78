using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace ZeroTier.Names.Tests;

public class NameCacheTests
{
    private static readonly ZeroTierDns Servers = new("corp.example", [IPAddress.Parse("10.1.2.1")]);
    private readonly FakeTimeProvider _time = new();
    private readonly NameCache _cache;

    public NameCacheTests() => _cache = new NameCache(_time);

    [Fact]
    public void Answer_is_kept_for_its_time_and_for_an_hour_at_most()
    {
        _cache.Add(Key("short"), Answer(TimeSpan.FromSeconds(10)));
        _cache.Add(Key("long"), Answer(TimeSpan.FromDays(1)));
        _cache.Add(Key("never"), Answer(TimeSpan.Zero));

        Assert.NotNull(_cache.Find(Key("short")));
        Assert.Null(_cache.Find(Key("never")));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(_cache.Find(Key("short")));
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.NotNull(_cache.Find(Key("long")));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(_cache.Find(Key("long")));
    }

    [Fact]
    public void Absence_is_kept_for_a_minute_at_most()
    {
        _cache.Add(Key("missing"), new DnsResponse(DnsOutcome.NoSuchName, [], null, TimeSpan.FromHours(1)));

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.NotNull(_cache.Find(Key("missing")));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_cache.Find(Key("missing")));
    }

    [Fact]
    public void Answers_of_other_servers_are_not_found()
    {
        _cache.Add(Key("nas"), Answer(TimeSpan.FromMinutes(1)));

        Assert.NotNull(_cache.Find(Key("nas") with { Servers = new ZeroTierDns("corp.example", [IPAddress.Parse("10.1.2.1")]) }));
        Assert.Null(_cache.Find(Key("nas") with { Servers = new ZeroTierDns("corp.example", [IPAddress.Parse("10.1.2.2")]) }));
        Assert.Null(_cache.Find(Key("nas") with { Network = new NetworkId(2) }));
    }

    [Fact]
    public void Full_cache_gives_up_what_has_expired_and_else_what_expires_first()
    {
        for (int i = 0; i < NameCache.MaxEntries; i++)
        {
            _cache.Add(Key($"n{i}"), Answer(TimeSpan.FromSeconds(100 + i)));
        }

        _cache.Add(Key("more"), Answer(TimeSpan.FromHours(1)));
        Assert.Null(_cache.Find(Key("n0")));
        Assert.NotNull(_cache.Find(Key("n1")));
        Assert.NotNull(_cache.Find(Key("more")));
    }

    private static NameKey Key(string name) => new(new NetworkId(1), Servers, new DnsQuestion(name, DnsType.A));

    private static DnsResponse Answer(TimeSpan lifetime) => new(DnsOutcome.Answer, [IPAddress.Parse("10.1.2.3")], null, lifetime);
}
