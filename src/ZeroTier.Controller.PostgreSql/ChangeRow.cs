using System.Text;

namespace ZeroTier.Controller.PostgreSql;

/// <summary>A change as a row of the table <c>change</c>.</summary>
/// <param name="Network">The network.</param>
/// <param name="Node">The member; null when the network itself changes.</param>
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
    /// Whether another process' change, which this process has not processed yet, conflicts with this one. It may have deleted the record
    /// and created another one with the same revision, so comparing revisions is not enough, and this process would process both in the
    /// wrong order.
    /// </summary>
    public bool DependsOn(ChangeRow other) =>
        Network == other.Network
        && (Node == other.Node || (Node is null && Record is null) || (other.Node is null && other.Record is null));
}
