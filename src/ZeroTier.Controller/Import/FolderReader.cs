using System.Collections.Immutable;
using System.Text.Json;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Controller.Import;

/// <summary>Reads the networks and members of a <c>controller.d</c>. A file that cannot be used is skipped and reported.</summary>
/// <param name="store">The folder.</param>
/// <param name="import">Receives the result.</param>
internal sealed class FolderReader(string store, ControllerImport import)
{
    private readonly SortedDictionary<ulong, ControllerNetwork> _networks = [];
    private readonly SortedDictionary<(ulong Network, ulong Node), ControllerMember> _members = [];
    private readonly ImmutableArray<ImportFinding>.Builder _findings = ImmutableArray.CreateBuilder<ImportFinding>();
    private int _findingCount;

    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        string folder = Path.Combine(store, HomeFolder.NetworksName);
        if (Directory.Exists(folder))
        {
            foreach (string file in Files(folder))
            {
                await ReadNetworkAsync(file, cancellationToken).ConfigureAwait(false);
            }

            foreach (string network in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            {
                await ReadMembersAsync(network, cancellationToken).ConfigureAwait(false);
            }
        }

        import.Networks = [.. _networks.Values];
        import.Members = [.. _members.Values];
        import.Findings = _findings.ToImmutable();
        import.FindingCount = _findingCount;
    }

    private async Task ReadNetworkAsync(string file, CancellationToken cancellationToken)
    {
        if (!NetworkId.TryParse(Path.GetFileNameWithoutExtension(file), out NetworkId id) || !HasExtension(file))
        {
            LeaveOut(file, $"a network's file is named after its ID of 16 hexadecimal digits, with {HomeFolder.Extension}.");
            return;
        }

        if (_networks.Count == ControllerImport.MaxNetworks)
        {
            LeaveOut(file, $"the folder has more than {ControllerImport.MaxNetworks} networks.");
            return;
        }

        using JsonDocument? document = await ParseAsync(file, cancellationToken).ConfigureAwait(false);
        if (document is null || Read(file, document.RootElement, ControllerJson.ReadNetwork) is not { } network)
        {
            return;
        }

        if (network.Id != id)
        {
            LeaveOut(file, $"it describes network {network.Id}, not the one that it is named after.");
        }
        else if (network.Id.Controller != import.Identity.Address)
        {
            LeaveOut(
                file,
                $"the network belongs to controller {network.Id.Controller}; the identity in this folder is {import.Identity.Address}.");
        }
        else if (network.RequiresLogin)
        {
            // Skipped: members could never log in, and ignoring the login would admit everybody who was once authorised.
            LeaveOut(
                file,
                "its members must log in (\"ssoEnabled\"), which this controller does not offer. Switch it off there first, if the "
                + "network is to move.");
        }
        else if (IsFit(file, network, RecordCheck.Check))
        {
            _networks[id.Value] = network with { Revision = Math.Max(1, network.Revision) };
            Report(file, ImportLosses.Of(document.RootElement, network));
        }
    }

    private async Task ReadMembersAsync(string networkFolder, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(networkFolder, HomeFolder.MembersName);
        if (!Directory.Exists(folder))
        {
            return;
        }

        if (!NetworkId.TryParse(Path.GetFileName(networkFolder), out NetworkId id) || !_networks.ContainsKey(id.Value))
        {
            LeaveOut(folder, "its members belong to a network that was not taken over.");
            return;
        }

        foreach (string file in Files(folder))
        {
            await ReadMemberAsync(file, id, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReadMemberAsync(string file, NetworkId network, CancellationToken cancellationToken)
    {
        if (!NodeId.TryParse(Path.GetFileNameWithoutExtension(file), out NodeId node) || !HasExtension(file))
        {
            LeaveOut(file, $"a member's file is named after its address of 10 hexadecimal digits, with {HomeFolder.Extension}.");
            return;
        }

        if (_members.Count == ControllerImport.MaxMembers)
        {
            LeaveOut(file, $"the folder has more than {ControllerImport.MaxMembers} members.");
            return;
        }

        using JsonDocument? document = await ParseAsync(file, cancellationToken).ConfigureAwait(false);
        if (document is null || Read(file, document.RootElement, ControllerJson.ReadMember) is not { } member)
        {
            return;
        }

        if (member.Node != node || member.Network != network)
        {
            LeaveOut(file, $"it describes member {member.Node} of network {member.Network}, not the one that it is named after.");
        }
        else if (_members.ContainsKey((network.Value, node.Value)))
        {
            LeaveOut(file, $"the folder has another file of member {node}, whose name differs in upper and lower case.");
        }
        else if (member.Identity is null
            && document.RootElement.TryGetProperty("identity", out JsonElement identity)
            && identity.ValueKind != JsonValueKind.Null)
        {
            // Skipped: without the recorded identity, any identity with this address could take the member's place.
            LeaveOut(file, $"its identity is not that of node {node}.");
        }
        else if (IsFit(file, member, RecordCheck.Check))
        {
            _members[(network.Value, node.Value)] = member with { Revision = Math.Max(1, member.Revision) };
            Report(file, ImportLosses.Of(document.RootElement, member));
        }
    }

    private async Task<JsonDocument?> ParseAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            // A length of 0 may be a special file, such as a pipe, which would block when opened.
            long length = new FileInfo(file).Length;
            if (length is 0 or > ControllerImport.MaxFileSize)
            {
                LeaveOut(file, length == 0 ? "it is empty." : $"it is longer than {ControllerImport.MaxFileSize} bytes.");
                return null;
            }

            FileStream stream = PrivateFile.OpenRead(file, asynchronous: true);
            await using (stream.ConfigureAwait(false))
            {
                byte[] bytes = new byte[length];
                await stream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
                return JsonDocument.Parse(bytes);
            }
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            LeaveOut(file, e is JsonException ? $"it is not JSON: {e.Message}" : e.Message);
            return null;
        }
    }

    private T? Read<T>(string file, JsonElement element, Func<JsonElement, T> read)
        where T : class
    {
        try
        {
            return read(element);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The parser accepts an unpaired surrogate; reading the text then throws InvalidOperationException.
            LeaveOut(file, e.Message);
            return null;
        }
    }

    private bool IsFit<T>(string file, T record, Action<T> check)
    {
        try
        {
            check(record);
            return true;
        }
        catch (ArgumentException e)
        {
            LeaveOut(file, e.Message);
            return false;
        }
    }

    private void LeaveOut(string file, string reason) => Add(file, isTakenOver: false, reason);

    private void Report(string file, IEnumerable<string> losses)
    {
        foreach (string loss in losses)
        {
            Add(file, isTakenOver: true, loss);
        }
    }

    private void Add(string file, bool isTakenOver, string reason)
    {
        _findingCount++;
        if (_findings.Count < ControllerImport.MaxFindings)
        {
            string relative = Path.GetRelativePath(store, file).Replace(Path.DirectorySeparatorChar, '/');
            _findings.Add(new ImportFinding($"{HomeFolder.StoreName}/{relative}", isTakenOver, reason));
        }
    }

    private static bool HasExtension(string file) => Path.GetExtension(file) == HomeFolder.Extension;

    // Sorted, so that findings come in the same order everywhere.
    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal);
}
