using ZeroTier.Managed.Net;
using ZeroTier.Names;

namespace ZeroTier.Controller.Names;

/// <summary>
/// Answers queries for the names of one network: <c>NAME.DOMAIN</c> and <c>NODE.DOMAIN</c> of its members, and reverse lookups of their
/// addresses (RFC 1034, 4.3.2). Not a recursive resolver. Without I/O; thread-safe.
/// </summary>
internal sealed class NameResponder(NetworkNames names, TimeProvider time)
{
    /// <summary>
    /// The buffer size that any TCP answer fits into: a member has at most 34 addresses (32 managed, and two derived ones).
    /// </summary>
    public const int MaxAnswer = 2048;

    /// <summary>
    /// The TTL of answers in seconds, including negative ones. Short, so that renaming or removing a member takes effect soon.
    /// </summary>
    public const uint Lifetime = 10;

    private const ushort AnyClass = 255;

    /// <summary>Answers a query.</summary>
    /// <param name="message">The query.</param>
    /// <param name="isDatagram">Whether the answer must fit a datagram.</param>
    /// <param name="answer">The buffer for the answer, of <see cref="MaxAnswer"/> bytes.</param>
    /// <returns>The answer's length; 0 when the message must not be answered.</returns>
    public int Answer(ReadOnlySpan<byte> message, bool isDatagram, Span<byte> answer)
    {
        if (!DnsQuery.TryRead(message, out DnsQuery query))
        {
            return 0;
        }

        var writer = new DnsAnswerWriter(answer, message, query, isDatagram ? query.DatagramLimit : MaxAnswer);
        if (query.Error != DnsCode.None)
        {
            return writer.Complete(query.Error, isAuthoritative: false);
        }

        DnsCode code = names.Domain is { } domain && query.Class is DnsQuestion.Internet or AnyClass &&
            query.Type is not (DnsType.Transfer or DnsType.IncrementalTransfer or DnsType.Opt)
            ? Answer(query, domain, ref writer)
            : DnsCode.Refused;
        return writer.Complete(code, isAuthoritative: code != DnsCode.Refused);
    }

    private DnsCode Answer(in DnsQuery query, string domain, ref DnsAnswerWriter writer)
    {
        if (DnsName.IsIn(query.Name, domain))
        {
            return query.Name.Length == domain.Length
                ? AnswerApex(query, domain, domain, ref writer)
                : AnswerMember(query, domain, ref writer);
        }

        return ReverseName.TryRead(query.Name, out IpAddress address, out int bits)
            ? AnswerReverse(query, domain, address, bits, ref writer)
            : DnsCode.Refused;
    }

    private DnsCode AnswerMember(in DnsQuery query, string domain, ref DnsAnswerWriter writer)
    {
        // Names of several labels do not exist: a member has a single label.
        if (names.Find(query.Name[..^(domain.Length + 1)]) is not { } member)
        {
            AddZone(domain, domain, isAnswer: false, ref writer);
            return DnsCode.NameError;
        }

        bool isFound = false;
        foreach (IpAddress address in names.AddressesOf(member))
        {
            if (query.Type is DnsType.Any || query.Type == (address.IsIPv4 ? DnsType.A : DnsType.Aaaa))
            {
                writer.AddAddress(address, Lifetime);
                isFound = true;
            }
        }

        return EndWith(isFound, domain, domain, ref writer);
    }

    private DnsCode AnswerReverse(in DnsQuery query, string domain, in IpAddress address, int bits, ref DnsAnswerWriter writer)
    {
        int zoneBits = ZoneOf(address, bits);
        if (zoneBits == 0)
        {
            return DnsCode.Refused;
        }

        string zone = ReverseName.ZoneOf(query.Name, address, bits, zoneBits);
        if (bits == zoneBits)
        {
            return AnswerApex(query, zone, domain, ref writer);
        }

        if (bits < address.BitLength)
        {
            // An empty non-terminal between the zone and its addresses: the name exists but has no records.
            return EndWith(false, zone, domain, ref writer);
        }

        if (names.Find(address) is not { } member)
        {
            AddZone(zone, domain, isAnswer: false, ref writer);
            return DnsCode.NameError;
        }

        bool isAsked = query.Type is DnsType.Ptr or DnsType.Any;
        if (isAsked)
        {
            writer.AddName(DnsType.Ptr, $"{names.LabelOf(member)}.{domain}", Lifetime);
        }

        return EndWith(isAsked, zone, domain, ref writer);
    }

    private DnsCode AnswerApex(in DnsQuery query, string zone, string domain, ref DnsAnswerWriter writer)
    {
        bool isZone = query.Type is DnsType.Soa or DnsType.Any, isServer = query.Type is DnsType.NS or DnsType.Any;
        if (isZone)
        {
            AddZone(zone, domain, isAnswer: true, ref writer);
        }

        if (isServer)
        {
            writer.AddName(DnsType.NS, ServerOf(domain), Lifetime);
        }

        return EndWith(isZone || isServer, zone, domain, ref writer);
    }

    // The longest zone, in bits, of the prefixes that contain the address; 0 for none.
    private int ZoneOf(IpAddress address, int bits)
    {
        int longest = 0;
        foreach ((IpAddress prefix, int length) in names.Prefixes())
        {
            int zoneBits = ReverseName.ZoneBits(prefix, length);
            if (prefix.IsIPv4 == address.IsIPv4 && zoneBits <= bits && address.IsInPrefix(prefix, Math.Min(bits, length)))
            {
                longest = Math.Max(longest, zoneBits);
            }
        }

        return longest;
    }

    private DnsCode EndWith(bool isFound, string zone, string domain, ref DnsAnswerWriter writer)
    {
        if (!isFound)
        {
            AddZone(zone, domain, isAnswer: false, ref writer);
        }

        return DnsCode.None;
    }

    // There are no zone transfers, so the serial number only needs to increase.
    private void AddZone(string zone, string domain, bool isAnswer, ref DnsAnswerWriter writer) =>
        writer.AddZone(zone, ServerOf(domain), $"hostmaster.{domain}", (uint)time.GetUtcNow().ToUnixTimeSeconds(), Lifetime, isAnswer);

    private string ServerOf(string domain) => $"{names.Server}.{domain}";
}
