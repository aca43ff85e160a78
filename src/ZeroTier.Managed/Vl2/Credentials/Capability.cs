using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>A capability: rules that extend what their holder may send (docs/protocol/3-vl2.md 3.5.4). Immutable.</summary>
/// <remarks>
/// The holder's address is not covered by the signature: whoever sees a capability can present it as its own, and all nodes accept that. It
/// is therefore not a strong protection.
/// </remarks>
internal sealed class Capability : Credential
{
    private const int HeaderLength = 22;
    private const int MaxChain = 7;
    private const int LinkHeaderLength = 10;

    public required RuleTable Rules { get; init; }

    /// <summary>The chain of custody: who passed it on to whom, beginning with the controller.</summary>
    public required ImmutableArray<Link> Custody { get; init; }

    /// <summary>Most links of the chain.</summary>
    public required byte MaxCustody { get; init; }

    public override CredentialType Type => CredentialType.Capability;

    /// <summary>Reads a capability and advances the span behind it; false when it is malformed.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, [NotNullWhen(true)] out Capability? capability)
    {
        capability = null;
        ReadOnlySpan<byte> start = data;
        if (data.Length < HeaderLength
            || BinaryPrimitives.ReadUInt16BigEndian(data[20..]) is var count && count > RuleTable.MaxCapabilityRules)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = data[HeaderLength..];
        if (!RuleTable.TryReadExactly(ref rest, count, out RuleTable? rules) || rest.IsEmpty || rest[0] is 0 or > MaxChain)
        {
            return false;
        }

        byte maxCustody = rest[0];
        rest = rest[1..];
        if (!TryReadChain(ref rest, out ImmutableArray<Link> chain) || !SignedObject.TrySkipAdditionalFields(ref rest))
        {
            return false;
        }

        data = rest;
        capability = new Capability
        {
            Encoded = start[..(start.Length - rest.Length)].ToArray(),
            Network = new NetworkId(BinaryPrimitives.ReadUInt64BigEndian(start)),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(start[8..]),
            Id = BinaryPrimitives.ReadUInt32BigEndian(start[16..]),
            Rules = rules,
            Custody = chain,
            MaxCustody = maxCustody,
            IssuedTo = chain.IsEmpty ? default : chain[^1].To,
        };
        return true;
    }

    /// <summary>Issues a capability, encoded, as the controller of a network, with one link of custody.</summary>
    public static byte[] Issue(NodeIdentity controller, NetworkId network, ulong timestamp, uint id, RuleTable rules, NodeId member)
    {
        byte[] fields = SignedFields(network, timestamp, id, rules, maxCustody: 1);
        byte[] link = new byte[LinkHeaderLength];
        member.Write(link);
        controller.Address.Write(link.AsSpan(5));
        return [.. fields, .. link, .. SignedObject.SignatureBlock(controller, fields), 0, 0, 0, 0, 0, 0, 0];
    }

    /// <inheritdoc />
    /// <remarks>
    /// Every link must be signed by the node that passed the capability on, which must be the receiver of the link before. The signed bytes
    /// are encoded again from the parsed rules, as all nodes do.
    /// </remarks>
    public override SignatureResult CheckSignature(ISignerDirectory signers)
    {
        if (Custody.IsEmpty || Custody.Length > MaxCustody || Network.Controller is not { } holder)
        {
            return SignatureResult.Bad;
        }

        byte[] fields = SignedFields(Network, Timestamp, Id, Rules, MaxCustody);
        foreach (Link link in Custody)
        {
            if (link.From != holder)
            {
                return SignatureResult.Bad;
            }

            SignatureResult check = SignedObject.Verify(signers, holder, fields, link.Signature.Span);
            if (check != SignatureResult.Good)
            {
                return check;
            }

            holder = link.To;
        }

        return SignatureResult.Good;
    }

    private static bool TryReadChain(ref ReadOnlySpan<byte> data, out ImmutableArray<Link> chain)
    {
        var links = ImmutableArray.CreateBuilder<Link>();
        chain = [];
        while (true)
        {
            if (data.Length < 5)
            {
                return false;
            }

            NodeId to = NodeId.Read(data);
            if (to == default)
            {
                data = data[5..];
                chain = links.DrainToImmutable();
                return true;
            }

            if (links.Count == MaxChain || data.Length < LinkHeaderLength)
            {
                return false;
            }

            NodeId from = NodeId.Read(data[5..]);
            data = data[LinkHeaderLength..];
            if (!SignedObject.TryReadSignature(ref data, out ReadOnlySpan<byte> signature))
            {
                return false;
            }

            links.Add(new Link(to, from, signature.ToArray()));
        }
    }

    private static byte[] SignedFields(NetworkId network, ulong timestamp, uint id, RuleTable rules, byte maxCustody)
    {
        byte[] fields = new byte[HeaderLength + rules.EncodedLength + 1];
        BinaryPrimitives.WriteUInt64BigEndian(fields, network.Value);
        BinaryPrimitives.WriteUInt64BigEndian(fields.AsSpan(8), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(16), id);
        BinaryPrimitives.WriteUInt16BigEndian(fields.AsSpan(20), (ushort)rules.Rules.Length);
        rules.Write(fields.AsSpan(HeaderLength));
        fields[^1] = maxCustody;
        return fields;
    }

    /// <summary>A link of the chain of custody.</summary>
    internal readonly record struct Link(NodeId To, NodeId From, ReadOnlyMemory<byte> Signature);
}
