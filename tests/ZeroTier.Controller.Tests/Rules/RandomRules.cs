using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;

namespace ZeroTier.Controller.Tests.Rules;

/// <summary>Rules by chance, of all forms that the rule language has.</summary>
internal sealed class RandomRules(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Sets of matches, each with an action behind.</summary>
    public ImmutableArray<NetworkRule> List(int statements)
    {
        var rules = ImmutableArray.CreateBuilder<NetworkRule>();
        for (int i = 0; i < statements; i++)
        {
            for (int matches = _random.Next(5); matches > 0; matches--)
            {
                NetworkRule match = Match();
                match = _random.Next(3) == 0 ? match.Not() : match;
                rules.Add(_random.Next(3) == 0 ? match.Or() : match);
            }

            rules.Add(Action());
        }

        return rules.ToImmutable();
    }

    public uint Number() => _random.Next(4) switch
    {
        0 => 0,
        1 => uint.MaxValue,
        2 => (uint)_random.Next(300),
        _ => (uint)_random.NextInt64(1L << 32),
    };

    private NetworkRule Action() => _random.Next(8) switch
    {
        0 => NetworkRule.Tee(Node(), (ushort)Number()),
        1 => NetworkRule.Watch(Node(), (ushort)Number()),
        2 => NetworkRule.Redirect(Node()),
        3 => NetworkRule.Break,
        4 or 5 => NetworkRule.Drop,
        _ => NetworkRule.Accept,
    };

    private NetworkRule Match()
    {
        (ushort first, ushort last) = Range(ushort.MaxValue);
        return _random.Next(27) switch
        {
            0 => NetworkRule.SourceNode(Node()),
            1 => NetworkRule.DestinationNode(Node()),
            2 => NetworkRule.VlanId((ushort)Number()),
            3 => NetworkRule.VlanPriority((byte)Number()),
            4 => NetworkRule.VlanDropEligible((byte)Number()),
            5 => NetworkRule.SourceMac(new PhysicalAddress(Bytes(6))),
            6 => NetworkRule.DestinationMac(new PhysicalAddress(Bytes(6))),
            7 => NetworkRule.SourceAddress(new IPAddress(Bytes(4)), _random.Next(33)),
            8 => NetworkRule.DestinationAddress(new IPAddress(Bytes(4)), _random.Next(33)),
            9 => NetworkRule.SourceAddress(new IPAddress(SparseBytes(16)), _random.Next(129)),
            10 => NetworkRule.DestinationAddress(new IPAddress(SparseBytes(16)), _random.Next(129)),
            11 => NetworkRule.IPProtocol((byte)_random.Next(256)),
            12 => NetworkRule.EtherType(_random.Next(2) == 0 ? (ushort)0x0806 : (ushort)Number()),
            13 => NetworkRule.Icmp((byte)Number()),
            14 => NetworkRule.Icmp((byte)Number(), (byte)Number()),
            15 => NetworkRule.SourcePorts(first, last),
            16 => NetworkRule.DestinationPorts(first, first),
            17 => NetworkRule.FrameSize(first, last),
            18 => NetworkRule.Characteristics((FrameCharacteristics)((ulong)_random.NextInt64() << 1 | 1)),
            19 => NetworkRule.Random(Number()),
            20 => NetworkRule.TagsDifference(Number(), Number()),
            21 => NetworkRule.TagsAnd(Number(), Number()),
            22 => NetworkRule.TagsOr(Number(), Number()),
            23 => NetworkRule.TagsXor(Number(), Number()),
            24 => NetworkRule.TagsEqual(Number(), Number()),
            25 => NetworkRule.SenderTag(Number(), Number()),
            _ => NetworkRule.TypeOfService((byte)Number(), (byte)Math.Min(first, (byte)255), 255),
        };
    }

    private (ushort First, ushort Last) Range(ushort max)
    {
        int first = _random.Next(max + 1);
        return ((ushort)first, (ushort)_random.Next(first, max + 1));
    }

    private NodeId Node() => new((ulong)_random.NextInt64(1L << 40));

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    // With runs of zeros, that the short form of IPv6 addresses leaves out; some look like IPv4 in IPv6.
    private byte[] SparseBytes(int length)
    {
        byte[] bytes = Bytes(length);
        int start = _random.Next(2) == 0 ? 0 : _random.Next(length);
        bytes.AsSpan(start, _random.Next(length - start + 1)).Clear();
        return bytes;
    }
}
