using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZeroTier.Controller.Tests.Import;

/// <summary>The home folder of a real controller, as it was recorded, to be changed by a test.</summary>
internal sealed class HomeFolderCopy : IDisposable
{
    public const string Network = "df18b69da700caf0";
    public const string MemberNetwork = "df18b69da7155202";
    public const string Node = "0844d636d6";

    public HomeFolderCopy()
    {
        JsonElement recorded = VectorFile.Json("storage.json");
        Write("identity.secret", recorded.GetProperty("identity").GetString()!);
        foreach (JsonElement file in recorded.GetProperty("files").EnumerateArray())
        {
            Write(file.GetProperty("path").GetString()!, file.GetProperty("text").GetString()!);
        }
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("zt-import-").FullName;

    public static string NetworkFile(string id = Network) => $"controller.d/network/{id}.json";

    public static string MemberFile(string node = Node) => $"controller.d/network/{MemberNetwork}/member/{node}.json";

    public void Write(string file, string text)
    {
        string path = System.IO.Path.Combine(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Changes a JSON file.</summary>
    public void Change(string file, Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(Path, file)))!.AsObject();
        change(json);
        Write(file, json.ToJsonString());
    }

    /// <summary>Every file with its content and time.</summary>
    public IReadOnlyList<(string File, string Text, DateTime Written)> Snapshot() =>
        [.. Directory.EnumerateFileSystemEntries(Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => (f, Directory.Exists(f) ? "" : File.ReadAllText(f), File.GetLastWriteTimeUtc(f)))];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
