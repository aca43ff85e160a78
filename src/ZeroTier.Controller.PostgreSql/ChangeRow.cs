using System.Text;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>A change as a row of the table of changes has it.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The member; null where the network itself changes.</param>
/// <param name="ExpectedRevision">The revision before.</param>
/// <param name="Revision">The revision after; 0 for a removal.</param>
/// <param name="Record">The new record; null for a removal.</param>
internal readonly record struct ChangeRow(string Network, string? Node, long ExpectedRevision, long Revision, string? Record)
{
    public static ChangeRow From(StoreChange change)
    {
        string network = change.NetworkId.ToString();
        return change switch
        {
            NetworkWrite write => new ChangeRow(
                network,
                null,
                change.ExpectedRevision,
                write.Network.Revision,
                Encoding.UTF8.GetString(ControllerJson.Write(write.Network))),
            NetworkRemoval => new ChangeRow(network, null, change.ExpectedRevision, 0, null),
            MemberWrite write => new ChangeRow(
                network,
                write.Member.Node.ToString(),
                change.ExpectedRevision,
                write.Member.Revision,
                Encoding.UTF8.GetString(ControllerJson.Write(write.Member))),
            MemberRemoval removal => new ChangeRow(network, removal.Node.ToString(), change.ExpectedRevision, 0, null),
            _ => throw new ArgumentException($"A change of type {change.GetType()} is unknown.", nameof(change)),
        };
    }

    public StoreChange ToChange() => (Node, Record) switch
    {
        (null, null) => new NetworkRemoval(NetworkId.Parse(Network)) { ExpectedRevision = ExpectedRevision },
        (null, { } record) =>
            new NetworkWrite(ControllerJson.ReadNetwork(Encoding.UTF8.GetBytes(record))) { ExpectedRevision = ExpectedRevision },
        ({ } node, null) => new MemberRemoval(NetworkId.Parse(Network), NodeId.Parse(node)) { ExpectedRevision = ExpectedRevision },
        (_, { } record) =>
            new MemberWrite(ControllerJson.ReadMember(Encoding.UTF8.GetBytes(record))) { ExpectedRevision = ExpectedRevision },
    };

    /// <summary>
    /// Whether a change of somebody else's, of which this process does not know yet, makes this one unsafe: it may have removed the record
    /// and made another one with the same revision, and the order in which this process hears of both would be wrong.
    /// </summary>
    public bool DependsOn(ChangeRow other) =>
        Network == other.Network
        && (Node == other.Node || (Node is null && Record is null) || (other.Node is null && other.Record is null));
}
