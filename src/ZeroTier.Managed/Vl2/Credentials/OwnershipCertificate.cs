using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Certifies that a member owns IP and Ethernet addresses (docs/protocol/3-vl2.md 3.5.5). Immutable.</summary>
internal sealed class OwnershipCertificate : Credential
{
    /// <summary>Most addresses in one certificate.</summary>
    public const int MaxThings = 16;

    private const int HeaderLength = 30;
    private const int ThingLength = 17;
    private const int TrailerLength = 10;
    private const byte Mac = 1;
    private const byte IPv4 = 2;
    private const byte IPv6 = 3;

    public required ImmutableArray<IpAddress> Addresses { get; init; }

    public required ImmutableArray<MacAddress> MacAddresses { get; init; }

    public override CredentialType Type => CredentialType.Ownership;

    private int FieldsLength => HeaderLength + (BinaryPrimitives.ReadUInt16BigEndian(Encoded.Span[28..]) * ThingLength) + TrailerLength;

    /// <summary>Reads a certificate and advances the span behind it; false when it is malformed or has too many addresses.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, [NotNullWhen(true)] out OwnershipCertificate? certificate)
    {
        certificate = null;
        if (data.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(data[28..]) is var things && things > MaxThings)
        {
            return false;
        }

        int fieldsLength = HeaderLength + (things * ThingLength) + TrailerLength;
        if (!SignedObject.TryTake(ref data, fieldsLength, out ReadOnlySpan<byte> encoded))
        {
            return false;
        }

        var addresses = ImmutableArray.CreateBuilder<IpAddress>();
        var macs = ImmutableArray.CreateBuilder<MacAddress>();
        for (int i = 0; i < things; i++)
        {
            ReadOnlySpan<byte> thing = encoded.Slice(HeaderLength + (i * ThingLength), ThingLength);
            switch (thing[0])
            {
                case Mac:
                    macs.Add(MacAddress.Read(thing[1..]));
                    break;
                case IPv4:
                    addresses.Add(IpAddress.ReadIPv4(thing[1..]));
                    break;
                case IPv6:
                    addresses.Add(IpAddress.ReadIPv6(thing[1..]));
                    break;
            }
        }

        certificate = new OwnershipCertificate
        {
            Encoded = encoded.ToArray(),
            Network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(encoded)),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(encoded[8..]),
            Id = BinaryPrimitives.ReadUInt32BigEndian(encoded[24..]),
            Addresses = addresses.DrainToImmutable(),
            MacAddresses = macs.DrainToImmutable(),
            IssuedTo = NodeId.Read(encoded[(fieldsLength - TrailerLength)..]),
        };
        return true;
    }

    /// <summary>Issues a certificate, encoded, as the controller of a network.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxThings"/> addresses.</exception>
    public static byte[] Issue(
        NodeIdentity controller, NetworkId network, ulong timestamp, uint id, IReadOnlyList<IpAddress> addresses, NodeId member)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(addresses.Count, MaxThings);
        byte[] fields = new byte[HeaderLength + (addresses.Count * ThingLength) + TrailerLength];
        BinaryPrimitives.WriteUInt64BigEndian(fields, network.Value);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(8), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(24), id);
        BinaryPrimitives.WriteUInt16BigEndian(fields.AsSpan(28), (ushort)addresses.Count);
        int at = HeaderLength;
        foreach (IpAddress address in addresses)
        {
            fields[at] = address.IsIPv4 ? IPv4 : IPv6;
            address.Write(fields.AsSpan(at + 1));
            at += ThingLength;
        }

        member.Write(fields.AsSpan(at));
        controller.Address.Write(fields.AsSpan(at + 5));
        return SignedObject.Sign(controller, fields);
    }

    public override SignatureResult CheckSignature(ISignerDirectory signers)
    {
        ReadOnlySpan<byte> fields = Encoded.Span[..FieldsLength];
        return SignedObject.Check(signers, Network, fields, NodeId.Read(fields[^5..]), Encoded.Span[FieldsLength..]);
    }
}
