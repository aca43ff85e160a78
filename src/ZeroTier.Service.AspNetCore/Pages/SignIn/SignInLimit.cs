using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Service.AspNetCore.Pages.SignIn;

/// <summary>
/// How often a token may be tried: a few times a minute from each address, IPv6 by its /64. Whoever has used that up waits, with the right
/// token too. The table is bounded: when it is full, the address whose minute began first is forgotten. Thread-safe.
/// </summary>
internal sealed class SignInLimit(TimeProvider timeProvider)
{
    public const int MaxTries = 5;
    public const int MaxAddresses = 1024;
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private const int PrefixLength = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Tries> _tries = [];

    /// <summary>Counts a try.</summary>
    /// <param name="address">Who tries.</param>
    /// <returns>How long to wait; null where the try may be made.</returns>
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

    /// <summary>Forgets the tries of an address: it had the token.</summary>
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
