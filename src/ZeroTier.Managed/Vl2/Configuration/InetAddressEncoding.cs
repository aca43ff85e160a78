using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>The encoding of IP addresses with prefix lengths in configurations (docs/protocol/3-vl2.md 3.4.2).</summary>
internal static class InetAddressEncoding
{
    private const byte None = 0x00;
    private const byte Ethernet = 0x01;
    private const byte Bluetooth = 0x02;
    private const byte Other = 0x03;
    private const byte IPv4 = 0x04;
    private const byte IPv6 = 0x06;

    /// <summary>Reads an address and advances <paramref name="data"/> behind it.</summary>
    /// <param name="data">The encoded address, and what follows.</param>
    /// <param name="address">The address; null for "no address" and for types that are not IP.</param>
    /// <param name="prefixLength">Its prefix length, at most the bits of the address; meaningless where the address has none.</param>
    /// <returns>False when the address is truncated or of an unknown type.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> data, out IpAddress? address, out int prefixLength)
    {
        address = null;
        prefixLength = 0;
        if (data.IsEmpty)
        {
            return false;
        }

        int length = data[0] switch
        {
            None => 0,
            Ethernet or Bluetooth => 6,
            Other => data.Length < 3 ? int.MaxValue : 2 + BinaryPrimitives.ReadUInt16BigEndian(data[1..]),
            IPv4 => 4 + 2,
            IPv6 => 16 + 2,
            _ => int.MaxValue,
        };
        if (data.Length - 1 < length)
        {
            return false;
        }

        if (data[0] is IPv4 or IPv6)
        {
            address = data[0] == IPv4 ? IpAddress.ReadIPv4(data[1..]) : IpAddress.ReadIPv6(data[1..]);
            prefixLength = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(data[(length - 1)..]), address.Value.BitLength);
        }

        data = data[(1 + length)..];
        return true;
    }

    /// <summary>Appends an address; null as "no address".</summary>
    public static void Write(List<byte> destination, IpAddress? address, int prefixLength)
    {
        if (address is not { } ip)
        {
            destination.Add(None);
            return;
        }

        Span<byte> bytes = stackalloc byte[16];
        destination.Add(ip.IsIPv4 ? IPv4 : IPv6);
        destination.AddRange(bytes[..ip.Write(bytes)]);
        destination.AddRange((byte)(prefixLength >> 8), (byte)prefixLength);
    }
}
