// store-writer sqlite|postgresql LOCATION PAUSE: takes the lease, says "active", and then writes one change after the other, PAUSE
// milliseconds apart. Change N gives the network revision N and one of 16 members the name N, in one transaction; the line N says that the
// store has acknowledged it.
using System.Globalization;
using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Controller.PostgreSql;
using ZeroTier.Controller.Sqlite;

const int Members = 16;
var id = new NetworkId(0x1234567890_000001);
var actor = new Actor("store-writer");
var pause = TimeSpan.FromMilliseconds(int.Parse(args[2], CultureInfo.InvariantCulture));
await using IControllerStore store = args[0] == "sqlite" ? new SqliteControllerStore(args[1]) : new PostgreSqlControllerStore(args[1]);
await store.OpenAsync(default);
long revision = 0;
await foreach (ControllerNetwork network in store.LoadNetworksAsync(default))
{
    revision = network.Revision;
}

var members = new Dictionary<NodeId, ControllerMember>();
await foreach (ControllerMember member in store.LoadMembersAsync(default))
{
    members[member.Node] = member;
}

await using IControllerLease lease = await store.AcquireAsync(default);
await Say("active");
while (!lease.Lost.IsCancellationRequested)
{
    revision++;
    string name = revision.ToString(CultureInfo.InvariantCulture);
    var node = new NodeId(0xab_0000_0000 + (ulong)(revision % Members));
    long before = members.GetValueOrDefault(node)?.Revision ?? 0;
    members[node] = new ControllerMember { Network = id, Node = node, Revision = before + 1, Name = name };
    await store.WriteAsync(
        [
            new NetworkWrite(new ControllerNetwork { Id = id, Revision = revision, Name = name }) { ExpectedRevision = revision - 1 },
            new MemberWrite(members[node]) { ExpectedRevision = before },
        ],
        [new AuditEntry { Time = DateTimeOffset.UtcNow, Actor = actor, Action = "test.write", Network = id, Member = node, Detail = name }],
        default);
    await Say(name);
    if (pause > TimeSpan.Zero)
    {
        await Task.Delay(pause);
    }
}

await Say("lost");

static async Task Say(string line)
{
    await Console.Out.WriteLineAsync(line);
    await Console.Out.FlushAsync();
}
