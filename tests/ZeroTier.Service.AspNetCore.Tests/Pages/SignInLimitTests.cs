using System.Net;
using Microsoft.Extensions.Time.Testing;
using ZeroTier.Service.AspNetCore.Pages;
using ZeroTier.Service.AspNetCore.Pages.SignIn;

namespace ZeroTier.Service.AspNetCore.Tests.Pages;

public sealed class SignInLimitTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.2")]
    [InlineData("fd00::1", "fd00::ffff:1", "fd00:0:0:1::1")]
    public void Tries_are_counted_by_address_and_by_the_prefix_of_IPv6(string address, string same, string other)
    {
        var limit = new SignInLimit(_time);
        for (int i = 0; i < SignInLimit.MaxTries; i++)
        {
            Assert.Null(limit.Take(IPAddress.Parse(i % 2 == 0 ? address : same)));
        }

        Assert.Equal(SignInLimit.Window, limit.Take(IPAddress.Parse(same)));
        Assert.Null(limit.Take(IPAddress.Parse(other)));
        _time.Advance(SignInLimit.Window - TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), limit.Take(IPAddress.Parse(address)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(limit.Take(IPAddress.Parse(address)));
    }

    [Fact]
    public void Who_had_the_token_begins_anew()
    {
        var limit = new SignInLimit(_time);
        for (int i = 0; i < 3 * SignInLimit.MaxTries; i++)
        {
            Assert.Null(limit.Take(IPAddress.Loopback));
            limit.Forget(IPAddress.Loopback);
        }
    }

    [Fact]
    public void A_flood_of_addresses_forgets_the_oldest_alone()
    {
        var limit = new SignInLimit(_time);
        for (int i = 0; i < SignInLimit.MaxTries; i++)
        {
            limit.Take(IPAddress.Loopback);
        }

        for (int i = 1; i < SignInLimit.MaxAddresses; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            limit.Take(new IPAddress([10, 0, (byte)(i >> 8), (byte)i]));
        }

        Assert.NotNull(limit.Take(IPAddress.Loopback));
        limit.Take(IPAddress.Parse("10.1.0.0"));
        Assert.Null(limit.Take(IPAddress.Loopback));
    }
}
