using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Service.AspNetCore.Pages.SignIn;

/// <summary>
/// Rate limit of sign-in attempts: a few per minute from each address (IPv6: each /64). When it is exceeded, even the right token is
/// refused until the minute has passed. The table is bounded: when it is full, the address with the oldest window is removed. Thread-safe.
/// </summary>
internal sealed class SignInLimit(TimeProvider timeProvider)
{
    public const int MaxTries = 5;
    public const int MaxAddresses = 1024;
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private const int PrefixLength = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Tries> _tries = [];

    /// <summary>Counts an attempt.</summary>
    /// <param name="address">The client's address.</param>
    /// <returns>How long to wait; null when the attempt is permitted.</returns>
    public TimeSpan? Take(IPAddress? address)
    {
        IPAddress key = KeyOf(address);
        lock (_gate)
        {
            if (_tries.TryGetValue(key, out Tries found) &&
                Window - timeProvider.GetElapsedTime(found.Began) is var left && left > TimeSpan.Zero)
            {
                if (found.Count == MaxTries)
                {
                    return left;
                }

                _tries[key] = found with { Count = found.Count + 1 };
                return null;
            }

            if (_tries.Count >= MaxAddresses)
            {
                _tries.Remove(_tries.MinBy(t => t.Value.Began).Key);
            }

            _tries[key] = new Tries(timeProvider.GetTimestamp(), 1);
            return null;
        }
    }

    /// <summary>Clears the attempts of an address after a successful sign-in.</summary>
    public void Forget(IPAddress? address)
    {
        lock (_gate)
        {
            _tries.Remove(KeyOf(address));
        }
    }

    private static IPAddress KeyOf(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false })
        {
            return address?.MapToIPv4() ?? IPAddress.None;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[PrefixLength..].Clear();
        return new IPAddress(bytes);
    }

    private readonly record struct Tries(long Began, int Count);
}
