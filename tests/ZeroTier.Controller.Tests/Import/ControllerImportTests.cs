using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1.Packets;
using ZeroTier.Managed.Vl1.Peers;

namespace ZeroTier.Controller.Tests.Import;

/// <summary>A ZeroTierOne home folder becomes records of a store, and the other way round.</summary>
public sealed class ControllerImportTests : IDisposable
{
    private readonly HomeFolderCopy _home = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_recorded_folder_is_read_and_not_changed()
    {
        var before = _home.Snapshot();
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        Assert.Equal(before, _home.Snapshot());
        Assert.Equal("df18b69da7", import.Identity.Address.ToString());
        Assert.True(import.Identity.HasSecret);
        Assert.Equal([HomeFolderCopy.Network, HomeFolderCopy.MemberNetwork], import.Networks.Select(n => n.Id.ToString()));
        ControllerNetwork edited = import.Networks[0];
        Assert.Equal(
            ("edited", false, true, "accept;", 5L, TimeSpan.FromMinutes(10)),
            (edited.Name, edited.IsPrivate, edited.AssignsIPv4, edited.RulesSource, edited.Revision, edited.CertificateWindow!.Value));
        Assert.Equal(IPAddress.Parse("10.71.0.9"), Assert.Single(edited.AddressPools).Last);
        Assert.Equal("[1,{\"x\":2}]", edited.Extensions["myField"].GetRawText());
        ControllerMember member = Assert.Single(import.Members);
        Assert.Equal((HomeFolderCopy.Node, "put", false, 21L), (member.Node.ToString(), member.Name, member.IsAuthorized, member.Revision));

        // The recording has a member whose network's file is not in it.
        ImportFinding finding = Assert.Single(import.Findings);
        Assert.Equal(("controller.d/network/df18b69da700beef/member", false), (finding.File, finding.IsTakenOver));
    }

    [Fact]
    public async Task What_other_versions_write_is_taken_over()
    {
        _home.Change(HomeFolderCopy.NetworkFile(), n =>
        {
            n["authTokens"] = null;
            n["v4AssignMode"] = new JsonObject();
            n["v6AssignMode"] = new JsonObject { ["6plane"] = true };
            n["clock"] = 12345;
            n["lastModified"] = 12345;
        });
        _home.Change(HomeFolderCopy.MemberFile(), m =>
        {
            m["id"] = HomeFolderCopy.Node.ToUpperInvariant();
            m["ipAssignments"] = new JsonArray("10.71.0.5/24", "fd00::5");
            m["recentLog"] = new JsonArray();
            m["physicalAddr"] = "192.0.2.1/9993";
            m["mine"] = 7;
        });
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        Assert.Equal(
            (false, IPv6Assignment.SixPlane, 0),
            (import.Networks[0].AssignsIPv4, import.Networks[0].IPv6Assignment, import.Networks[0].JoinTokens.Count));
        ControllerMember member = Assert.Single(import.Members);
        Assert.Equal([IPAddress.Parse("10.71.0.5"), IPAddress.Parse("fd00::5")], member.Addresses);
        Assert.Equal(["mine"], member.Extensions.Keys);
        Assert.Single(import.Findings);
    }

    public static TheoryData<string, string, string> Broken() => new()
    {
        { "{", HomeFolderCopy.NetworkFile(), "not JSON" },
        { "", HomeFolderCopy.NetworkFile(), "empty" },
        { "[]", HomeFolderCopy.NetworkFile(), "16 hexadecimal digits" },
        {
            $$"""{"id":"{{HomeFolderCopy.MemberNetwork}}"}""",
            HomeFolderCopy.NetworkFile(),
            "describes network " + HomeFolderCopy.MemberNetwork
        },
        { """{"id":"8056c2e21c000001"}""", HomeFolderCopy.NetworkFile("8056c2e21c000001"), "belongs to controller 8056c2e21c" },
        { "{}", "controller.d/network/notes.txt", "named after its ID" },
        { "\"\\ud800\"", HomeFolderCopy.MemberFile(), "10" },
        {
            $$"""{"id":"{{HomeFolderCopy.Node}}","nwid":"{{HomeFolderCopy.MemberNetwork}}","name":"\ud800"}""",
            HomeFolderCopy.MemberFile(),
            ""
        },
        { $$"""{"id":"{{HomeFolderCopy.Node}}","nwid":"{{HomeFolderCopy.Network}}"}""", HomeFolderCopy.MemberFile(), "describes member" },
        {
            $$"""{"id":"{{HomeFolderCopy.Node}}","nwid":"{{HomeFolderCopy.MemberNetwork}}","identity":"035472eb06:0:00"}""",
            HomeFolderCopy.MemberFile(),
            "identity"
        },
        { "{}", "controller.d/network/" + HomeFolderCopy.MemberNetwork + "/member/x.json", "named after its address" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_file_that_cannot_be_used_is_left_out_alone_and_named(string text, string file, string reason)
    {
        _home.Write(file, text);
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        ImportFinding finding = Assert.Single(import.Findings, f => f.File == file);
        Assert.False(finding.IsTakenOver);
        Assert.Contains(reason, finding.Reason, StringComparison.Ordinal);
        Assert.InRange(import.Networks.Length, 1, 2);
    }

    [Fact]
    public async Task What_a_record_loses_is_said()
    {
        _home.Change(HomeFolderCopy.NetworkFile(), n =>
        {
            n["rules"] = new JsonArray(new JsonObject { ["type"] = "MATCH_MOON_PHASE" }, new JsonObject { ["type"] = "ACTION_ACCEPT" });
            n["mtu"] = 100;
            n["private"] = "no";
        });
        _home.Change(HomeFolderCopy.MemberFile(), m =>
        {
            m["authorized"] = "yes";
            m["ipAssignments"] = new JsonArray("ten");
        });
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        Assert.Equal((2, 1), (import.Networks.Length, import.Members.Length));
        string[] losses = [.. import.Findings.Where(f => f.IsTakenOver).Select(f => f.Reason)];
        foreach (string part in (string[])["\"rules\"", "mtu 100 became 1280", "\"private\"", "\"authorized\"", "\"ipAssignments\""])
        {
            Assert.Contains(losses, l => l.Contains(part, StringComparison.Ordinal));
        }

        Assert.False(import.Members[0].IsAuthorized);
        Assert.True(import.Networks[0].IsPrivate);
    }

    [Fact]
    public async Task A_network_whose_members_must_log_in_is_left_out_with_them_and_named()
    {
        _home.Change(HomeFolderCopy.NetworkFile(HomeFolderCopy.MemberNetwork), n => n["ssoEnabled"] = true);
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        Assert.Single(import.Networks);
        Assert.Empty(import.Members);
        Assert.DoesNotContain(import.Networks, n => n.RequiresLogin);
        Assert.Contains(import.Findings, f => !f.IsTakenOver && f.Reason.Contains("ssoEnabled", StringComparison.Ordinal));
        Assert.Contains(import.Findings, f => !f.IsTakenOver && f.Reason.Contains("not taken over", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Findings_are_counted_beyond_those_that_are_kept()
    {
        for (int i = 0; i < ControllerImport.MaxFindings + 5; i++)
        {
            _home.Write($"controller.d/network/{i}.bak", "{}");
        }

        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        Assert.Equal((ControllerImport.MaxFindings, ControllerImport.MaxFindings + 6), (import.Findings.Length, import.FindingCount));
    }

    [Theory]
    [InlineData("identity.secret", "does not exist")]
    [InlineData("controller.d", "no controller")]
    public async Task A_folder_without_what_makes_a_controller_is_refused(string missing, string message)
    {
        string path = Path.Combine(_home.Path, missing);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }

        var refused = await Assert.ThrowsAsync<ZeroTierException>(() => ControllerImport.ReadAsync(_home.Path, Cancellation));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_without_its_private_key_is_refused()
    {
        string secret = File.ReadAllText(Path.Combine(_home.Path, "identity.secret"));
        _home.Write("identity.secret", secret[..secret.LastIndexOf(':')]);

        var refused = await Assert.ThrowsAsync<ZeroTierException>(() => ControllerImport.ReadAsync(_home.Path, Cancellation));
        Assert.Contains("private key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_import_is_written_whole_or_not_at_all()
    {
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);
        await using var store = new MemoryControllerStore();
        await store.OpenAsync(Cancellation);
        await import.WriteAsync(store, new Actor("import"), Cancellation);

        await using (var controller = await NetworkController.OpenAsync(new NetworkControllerOptions { Store = store }, Cancellation))
        {
            Assert.Equal(2, controller.Networks.Count);
            Assert.Equal(
                21,
                controller.FindMember(NetworkId.Parse(HomeFolderCopy.MemberNetwork), NodeId.Parse(HomeFolderCopy.Node))!.Member.Revision);
        }

        await Assert.ThrowsAsync<StoreConflictException>(() => import.WriteAsync(store, new Actor("import"), Cancellation));
    }

    [Fact]
    public async Task An_export_is_read_back_as_it_was()
    {
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);
        string folder = Directory.CreateTempSubdirectory("zt-export-").FullName;
        try
        {
            await ControllerExport.WriteAsync(
                folder, import.Networks.ToAsyncEnumerable(), import.Members.ToAsyncEnumerable(), Cancellation);
            File.Copy(Path.Combine(_home.Path, "identity.secret"), Path.Combine(folder, "identity.secret"));
            using var again = await ControllerImport.ReadAsync(folder, Cancellation);

            Assert.Equal(0, again.FindingCount);
            Assert.Equal(import.Networks.Select(ControllerJson.Write), again.Networks.Select(ControllerJson.Write));
            Assert.Equal(import.Members.Select(ControllerJson.Write), again.Members.Select(ControllerJson.Write));
            string text = File.ReadAllText(Path.Combine(folder, HomeFolderCopy.NetworkFile()));
            Assert.Contains("\"myField\":[1,{\"x\":2}]", text, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', text);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(
                    UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    File.GetUnixFileMode(Path.Combine(folder, HomeFolderCopy.NetworkFile())));
            }

            var refused = await Assert.ThrowsAsync<ZeroTierException>(
                () => ControllerExport.WriteAsync(
                    folder, import.Networks.ToAsyncEnumerable(), import.Members.ToAsyncEnumerable(), Cancellation));
            Assert.Contains("exists", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_node_moves_along_with_its_identity_and_the_peers_that_it_knew()
    {
        byte[] record = new byte[KnownPeer.MaxSize];
        using var known = NodeIdentity.Parse(TestIdentities.Get(1).ToString());
        record = record[..new KnownPeer(known, PeerVersion.Ours, []).Write(record)];
        string peers = Directory.CreateDirectory(Path.Combine(_home.Path, "peers.d")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(peers, "0000000001.peer"), record, Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(peers, "0000000002.peer"), new byte[100], Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(peers, "0000000003.peer"), [.. record, .. new byte[10_000]], Cancellation);
        using HomeFolderCopy target = new();
        string home = Path.Combine(target.Path, "home");
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);

        // Twice, as after an attempt that ended half-way.
        await import.WriteNodeAsync(home, Cancellation);
        await import.WriteNodeAsync(home, Cancellation);

        using (var store = await IdentityStore.OpenAsync(home, Cancellation))
        {
            Assert.Equal((import.Identity.Address, false), (store.Identity.Address, store.IsNew));
            Assert.True(store.Identity.HasSecret);
            var busy = await Assert.ThrowsAsync<ZeroTierException>(() => import.WriteNodeAsync(home, Cancellation));
            Assert.Contains("in use", busy.Message, StringComparison.Ordinal);
        }

        string copy = Assert.Single(Directory.GetFiles(Path.Combine(home, "peers.d")));
        Assert.Equal($"{known.Address}.peer", Path.GetFileName(copy));
        Assert.Equal(record, await File.ReadAllBytesAsync(copy, Cancellation));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(home, IdentityStore.SecretFileName)));
        }
    }

    [Fact]
    public async Task A_folder_of_another_node_is_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(_home.Path, "peers.d"));
        using HomeFolderCopy target = new();
        string home = Directory.CreateDirectory(Path.Combine(target.Path, "home")).FullName;
        string secret = Path.Combine(home, IdentityStore.SecretFileName);
        await File.WriteAllTextAsync(secret, TestIdentities.Text(2), Cancellation);
        using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);
        var refused = await Assert.ThrowsAsync<ZeroTierException>(() => import.WriteNodeAsync(home, Cancellation));

        Assert.Contains($"has the identity {TestIdentities.Get(2).Address} already", refused.Message, StringComparison.Ordinal);
        Assert.Equal(TestIdentities.Text(2), await File.ReadAllTextAsync(secret, Cancellation));
        Assert.False(Directory.Exists(Path.Combine(home, "peers.d")));
    }

    [Fact]
    public async Task Whatever_stands_in_a_file_the_others_are_read()
    {
        string original = File.ReadAllText(Path.Combine(_home.Path, HomeFolderCopy.NetworkFile()));
        var random = new Random(20261129);
        for (int i = 0; i < 300; i++)
        {
            char[] text = original.ToCharArray();
            for (int j = random.Next(1, 4); j > 0; j--)
            {
                text[random.Next(text.Length)] = "{}[]\",:0-tn\\u\0"[random.Next(14)];
            }

            _home.Write(HomeFolderCopy.NetworkFile(), new string(text));
            using var import = await ControllerImport.ReadAsync(_home.Path, Cancellation);
            Assert.Contains(import.Networks, n => n.Id.ToString() == HomeFolderCopy.MemberNetwork);
            Assert.True(
                import.Networks.Length == 2 || import.Findings.Any(f => f.File == HomeFolderCopy.NetworkFile() && !f.IsTakenOver),
                new string(text));
        }
    }
}
