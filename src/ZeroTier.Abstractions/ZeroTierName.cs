using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace ZeroTier;

/// <summary>Resolves the hosts of URLs on the networks of a node.</summary>
/// <remarks>
/// <para>An address belongs to the joined network with an own prefix that contains it, else to the network with the most specific route to
/// it.</para>
/// <para><c>NODE.NETWORK.zt</c> is the 6PLANE address of that member, or its RFC 4193 address if the network assigns those; on other
/// networks it is the address that this node has learned for the member, from its certificate of ownership or its packets, or that the
/// member gives when asked. <c>NODE.zt</c> means the same if this node has joined exactly one network.</para>
/// <para>A name in the search domain of a joined network is looked up at that network's name servers, over the network. A name without a
/// dot is tried in the search domain of each joined network in turn.</para>
/// <para>Names in the host's settings (<c>ZeroTier:Hosts</c>) take precedence.</para>
/// <para>The machine's own DNS is never used. Answers of a network's name servers are valid on that network only, so they cannot redirect a
/// connection to another network.</para>
/// </remarks>
public static class ZeroTierName
{
    /// <summary>The suffix of the names of members and networks.</summary>
    public const string Suffix = ".zt";

    /// <summary>The name of a member: <c>NODE.NETWORK.zt</c>.</summary>
    public static string Of(NodeId member, NetworkId network) => $"{member}.{network}{Suffix}";

    /// <summary>
    /// Resolves a host and port to endpoints, the best first. Queries a network's name servers if the host is in its search domain.
    /// </summary>
    /// <param name="node">The node that will connect.</param>
    /// <param name="host">An address (IPv6 with or without brackets), <c>NODE.NETWORK.zt</c>, or a name in the search domain of a joined
    /// network.</param>
    /// <param name="port">0 to 65535.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>At least one endpoint.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 0 to 65535.</exception>
    /// <exception cref="ZeroTierException">The host has none of these forms, is unknown or on no joined network, or no name server
    /// answers.</exception>
    public static ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveAsync(
        ZeroTierNode node, string host, int port, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, IPEndPoint.MinPort);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        host = Expand(node, host);
        return IPAddress.TryParse(host, out _) ? new([Resolve(node, host, port)])
            : TryParseMember(host, out var member, out var network) ? ResolveMemberAsync(node, member, network, port, cancellationToken)
            : node.Names.ResolveAsync(host, port, cancellationToken);
    }

    private static async ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveMemberAsync(
        ZeroTierNode node, NodeId member, NetworkId network, int port, CancellationToken cancellationToken)
    {
        if (FindMemberAddress(node, member, network) is null)
        {
            await node.AskForAddressAsync(member, network, cancellationToken).ConfigureAwait(false);
        }

        return [new ZeroTierEndPoint(network, MemberAddress(node, member, network), port)];
    }

    /// <summary>
    /// Resolves a URL authority such as <c>[fc..]:8080</c>, <c>NODE.NETWORK.zt:80</c> or <c>nas.corp.example:80</c> to endpoints, the best
    /// first.
    /// </summary>
    /// <param name="node">The node that will connect.</param>
    /// <param name="authority">Host and port.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">As of <see cref="ResolveAsync"/>.</exception>
    /// <exception cref="FormatException">The text has no port.</exception>
    public static ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveAuthorityAsync(
        ZeroTierNode node, string authority, CancellationToken cancellationToken = default)
    {
        var (host, port) = Split(authority);
        return ResolveAsync(node, host, port, cancellationToken);
    }

    /// <summary>Resolves an address or a member's name to an endpoint, without querying name servers.</summary>
    /// <param name="node">The node that will connect.</param>
    /// <param name="host">An address (IPv6 with or without brackets) or <c>NODE.NETWORK.zt</c>.</param>
    /// <param name="port">0 to 65535.</param>
    /// <exception cref="ZeroTierException">The host has none of these forms, or is on no joined network.</exception>
    public static ZeroTierEndPoint Resolve(ZeroTierNode node, string host, int port)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(host);
        host = Expand(node, host);
        if (TryParseMember(host, out var member, out var network))
        {
            return new ZeroTierEndPoint(network, MemberAddress(node, member, network), port);
        }

        if (!IPAddress.TryParse(host, out var address))
        {
            throw new ZeroTierException(
                ZeroTierError.AddressNotAvailable,
                $"'{host}' is not a host on a ZeroTier network. Use an address there, or NODE.NETWORK.zt, for example "
                + "89e92ceee5.8056c2e21c000001.zt.");
        }

        return new ZeroTierEndPoint(FindNetwork(node, address), address, port);
    }

    /// <summary>
    /// Resolves a URL authority such as <c>[fc..]:8080</c>, <c>10.1.2.3:80</c> or <c>NODE.NETWORK.zt:80</c> to an endpoint, without
    /// querying name servers.
    /// </summary>
    /// <exception cref="ZeroTierException">The host is not a known name, or is on no joined network.</exception>
    /// <exception cref="FormatException">The text has no port.</exception>
    public static ZeroTierEndPoint ResolveAuthority(ZeroTierNode node, string authority)
    {
        var (host, port) = Split(authority);
        return Resolve(node, host, port);
    }

    /// <summary>
    /// Whether a host belongs to the networks of a node, for callers that also connect over the machine's own network. True for names
    /// ending in <c>.zt</c>, names of <c>ZeroTier:Hosts</c>, names in the search domain of a joined network, and addresses on a joined
    /// network or derived from its ID. A name without a dot belongs to them only if it is in <c>ZeroTier:Hosts</c>.
    /// </summary>
    /// <remarks>
    /// Search domains, and addresses that a controller assigns, are known only once their network is ready; before that, this returns false
    /// for them. Do not base the decision on this where a connection must never use the machine's own sockets.
    /// </remarks>
    /// <param name="node">The node that would connect.</param>
    /// <param name="host">As in a URL.</param>
    public static bool BelongsTo(ZeroTierNode node, string host)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(host);
        string known = Expand(node, host);
        return !ReferenceEquals(known, host)
            || host.TrimEnd('.').EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var address)
                ? TryFindMember(node, host, out _, out _) || node.Networks.Any(network => network.IsReady && IsOn(network, address))
                : host.Contains('.', StringComparison.Ordinal) && node.Names.Covers(host));
    }

    /// <summary>True when the address is on the network: in the prefix of one of this node's addresses, or behind a route.</summary>
    internal static bool IsOn(ZeroTierNetwork network, IPAddress address) =>
        network.Addresses.Any(own => own.Contains(address)) || network.Routes.Any(route => route.Target.Contains(address));

    /// <summary>
    /// Replaces a name of <c>ZeroTier:Hosts</c> by its value, and <c>NODE.zt</c> by the member's full name if exactly one network is
    /// joined.
    /// </summary>
    internal static string Expand(ZeroTierNode node, string host)
    {
        string known = node.FindHost(host) ?? host;
        string text = known.EndsWith('.') ? known[..^1] : known;
        return text.Length == NodeId.TextLength + Suffix.Length && text.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
            && NodeId.TryParse(text[..NodeId.TextLength], out var member) && node.Networks is [var only]
            ? Of(member, only.Id)
            : known;
    }

    /// <summary>
    /// Finds the member that a host identifies by itself, independent of name servers and of the state of a network:
    /// <c>NODE.NETWORK.zt</c>, <c>NODE.zt</c>, an address derived from the member's ID on a joined network, or a name of
    /// <c>ZeroTier:Hosts</c> that stands for one of these.
    /// </summary>
    /// <param name="node">The node that would connect.</param>
    /// <param name="host">As in a URL.</param>
    /// <param name="member">The member.</param>
    /// <param name="network">The member's network.</param>
    /// <returns>False for any other host.</returns>
    public static bool TryFindMember(ZeroTierNode node, string host, out NodeId member, out NetworkId network)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(host);
        host = Expand(node, host);
        if (TryParseMember(host, out member, out network))
        {
            return true;
        }

        if (IPAddress.TryParse(host, out var address))
        {
            foreach (var joined in node.Networks)
            {
                if (MemberOf(new ZeroTierEndPoint(joined.Id, address, 0)) is { } found)
                {
                    (member, network) = (found, joined.Id);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The member from whose ID the address is derived (6PLANE or RFC 4193); null for any other address.</summary>
    internal static NodeId? MemberOf(ZeroTierEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (endPoint.Address is not { } address || !address.TryWriteBytes(bytes, out int length) || length != bytes.Length)
        {
            return null;
        }

        return Member(bytes[5..]) is var six && endPoint.Network.GetSixPlaneAddress(six).Equals(address) ? six
            : Member(bytes[11..]) is var local && endPoint.Network.GetRfc4193Address(local).Equals(address) ? local
            : null;

        static NodeId Member(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32BigEndian(bytes) * 256UL | bytes[4]);
    }

    private static (string Host, int Port) Split(string authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        int colon = authority.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || (authority[..colon].Contains(':', StringComparison.Ordinal) && authority[colon - 1] != ']'))
        {
            throw new FormatException(
                $"'{authority}' is not a host and a port. Expected, for example, [fc12:3456:7800::1]:8080, 10.147.17.5:8080 or "
                + "89e92ceee5.8056c2e21c000001.zt:8080.");
        }

        return (authority[..colon].Trim('[', ']'), port);
    }

    /// <summary>
    /// Parses <c>NODE.NETWORK.zt</c>, in upper or lower case, with or without the dot that ends an absolute name (RFC 1034, 3.1).
    /// </summary>
    public static bool TryParseMember(string host, out NodeId member, out NetworkId network)
    {
        ArgumentNullException.ThrowIfNull(host);
        member = default;
        network = default;
        if (host.EndsWith('.'))
        {
            host = host[..^1];
        }

        return host.Length == NodeId.TextLength + 1 + NetworkId.TextLength + Suffix.Length
            && host[NodeId.TextLength] == '.'
            && host.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
            && NodeId.TryParse(host[..NodeId.TextLength], out member)
            && NetworkId.TryParse(host.Substring(NodeId.TextLength + 1, NetworkId.TextLength), out network);
    }

    private static IPAddress MemberAddress(ZeroTierNode node, NodeId member, NetworkId network) => FindMemberAddress(node, member, network)
        ?? throw new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            $"{Of(member, network)} has no address that follows from the name, since the network assigns neither 6PLANE nor RFC 4193 "
                + "addresses, and this node has not heard yet which one it has. Check that the node is a member and online, use the "
                + "member's address, for example 10.147.17.5, or have the network's controller assign RFC 4193 addresses.");

    // Our own addresses on the network show which kind of derived address it assigns. A network that is not joined or not configured is
    // reported later, when connecting.
    private static IPAddress? FindMemberAddress(ZeroTierNode node, NodeId member, NetworkId network)
    {
        var sixPlane = network.GetSixPlaneAddress(member);
        if (network.IsAdHoc
            || node.State != ZeroTierNodeState.Running
            || node.Networks.FirstOrDefault(n => n.Id == network) is not { Addresses.Count: > 0 } joined)
        {
            return sixPlane;
        }

        var own = joined.Addresses.Select(a => a.Address).ToArray();
        return own.Contains(network.GetSixPlaneAddress(node.Id)) ? sixPlane
            : own.Contains(network.GetRfc4193Address(node.Id)) ? network.GetRfc4193Address(member)
            : node.FindAddress(member, network);
    }

    private static NetworkId FindNetwork(ZeroTierNode node, IPAddress address)
    {
        if (node.State != ZeroTierNodeState.Running)
        {
            throw new ZeroTierException(
                ZeroTierError.NotRunning,
                $"{address} cannot be reached: the ZeroTier node is {node.State}. Call after the start of the node or its host, and "
                + "before its end.");
        }

        var networks = node.Networks;
        foreach (var network in networks)
        {
            foreach (var own in network.Addresses)
            {
                if (own.Contains(address))
                {
                    return network.Id;
                }
            }
        }

        // Routes only count when no prefix matches: a route of one network must not capture addresses of another.
        var routed = networks
            .SelectMany(network => network.Routes.Where(route => route.Target.Contains(address)), (network, route) => (network.Id, route))
            .OrderByDescending(found => found.route.Target.PrefixLength).ThenBy(found => found.route.Metric)
            .FirstOrDefault();
        if (routed.route is not null)
        {
            return routed.Id;
        }

        throw new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            networks.Count == 0
                ? $"{address} cannot be reached: this node has joined no network."
                : $"{address} is on none of this node's networks ({string.Join(", ", networks.Select(Describe))}). "
                    + "Check the address, and that the network is joined and ready.");
    }

    private static string Describe(ZeroTierNetwork network)
    {
        string? detail = network.IsReady ? string.Join(' ', network.Addresses) : network.Detail;
        return $"{network.Id} {network.Status}: {detail}".TrimEnd(' ', ':', '.');
    }
}
