using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>What ZeroTierOne's controller was asked, asked of this one in the same order (docs/protocol/5-http-api.md 5.15).</summary>
public sealed partial class RecordedCasesTests
{
    /// <summary>
    /// Where the answer is another one on purpose, and why; and what brings the recorded state back for the cases that follow.
    /// </summary>
    private static readonly Dictionary<string, Deviation> Different = new()
    {
        ["controller: foreign network id is accepted"] = new(400, "nobody would ever ask this node for it"),
        ["controller: network id zero"] = new(400, "nobody would ever ask this node for it"),
        ["member: address zero"] = new(400, "no node has this address"),
        ["member: address ff"] = new(400, "no node has this address"),
        ["field: remoteTraceLevel is lost by the next POST"] = new(200, "a fault of ZeroTierOne (5.13)", """{"remoteTraceLevel":0}"""),
        ["member: remoteTraceLevel is lost by the next POST"] = new(200, "a fault of ZeroTierOne (5.13)", """{"remoteTraceLevel":0}"""),
        ["field: dns no check at all"] = new(200, "servers that are no text are left out"),
        ["field: authTokens"] = new(200, "times are whole milliseconds"),
        ["field: tags"] = new(200, "IDs and values have 32 bits, as for members"),
        ["field: tags not an array is ignored"] = new(200, "as above"),
        ["member: capabilities"] = new(200, "IDs have 32 bits, as for members"),
        ["member: capabilities not an array is ignored"] = new(200, "as above"),
        ["field: rules, integer range is refused"] = new(
            200, "members understand the rule, and no other text enters it (5.6)", """{"rules":[{"type":"ACTION_ACCEPT"}]}"""),
    };

    // What is not there, as it was refused.
    private static readonly string[] Refused = ["1122334455667788", "0000000000", "ff00000001"];

    private static readonly string[] Volatile = ["creationTime", "lastAuthorizedTime", "lastDeauthorizedTime", "clock", "revision"];

    [Fact]
    public async Task Recorded_requests_get_the_recorded_answers()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        while (!app.Controller.IsActive)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        var ids = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var wrong = new List<string>();
        foreach (RecordedCase recorded in RecordedCases.All)
        {
            if (recorded.Name == "controller: list, empty")
            {
                // The recorded run began anew here.
                await app.Controller.DeleteNetworkAsync(
                    app.Controller.Networks.Single().Id, null, Actor.Controller, TestContext.Current.CancellationToken);
            }

            (HttpStatusCode status,
                string text) = await app.SendAsync(recorded.Method, Rename(recorded.Path, ids), recorded.Body ?? BodyOf(recorded),
                recorded.ContentType);
            Deviation? different = Different.GetValueOrDefault(recorded.Name);

            // Broken JSON is the caller's fault (5.14).
            int expected = different?.Status ?? (recorded.Status == 500 ? 400 : recorded.Status);
            if ((int)status != expected)
            {
                wrong.Add($"{recorded.Name}: {(int)status} instead of {expected}: {text}");
                continue;
            }

            if (different?.Repair is { } repair)
            {
                await app.SendAsync("POST", Rename(recorded.Path, ids), repair);
            }

            if (recorded.Status == 200
                && recorded.Answer is JsonObject created
                && JsonNode.Parse(text) is JsonObject made
                && made["id"] is { } id)
            {
                ids[(string)created["id"]!] = (string)id!;
            }

            if (expected >= 400)
            {
                // No body, or the error object.
                Assert.True(text.Length == 0 || (int?)JsonNode.Parse(text)!["error"] == expected, recorded.Name);
            }
            else if (different is null && Difference(recorded.Answer, JsonNode.Parse(text), ids) is { } difference)
            {
                wrong.Add($"{recorded.Name}: {difference}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string? BodyOf(RecordedCase recorded) => recorded.Method is "POST" or "PUT" ? "" : null;

    private static string Rename(string text, Dictionary<string, string> ids) =>
        Hexadecimal().Replace(text, match => ids.GetValueOrDefault(match.Value, match.Value));

    private static string? Difference(JsonNode? recorded, JsonNode? answer, Dictionary<string, string> ids)
    {
        string expected = Canonical(JsonNode.Parse(Rename(recorded?.ToJsonString() ?? "null", ids)))?.ToJsonString() ?? "null";
        string actual = Canonical(answer)?.ToJsonString() ?? "null";
        return expected == actual ? null : $"\n  {actual}\ninstead of\n  {expected}";
    }

    // Order of keys and of lists of records, times, and the ways to say "none" do not count.
    private static JsonNode? Canonical(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject o:
                var sorted = new JsonObject();
                foreach ((string name, JsonNode? value) in o.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    if (Volatile.Contains(name)
                        || Refused.Contains(name)
                        || (o["type"] is JsonValue type && ((string?)type)?.StartsWith("ACTION",
                            StringComparison.Ordinal) == true
                            && name is "not" or "or"))
                    {
                        continue;
                    }

                    sorted[Node().IsMatch(name) ? name.ToLowerInvariant() : name] = name switch
                    {
                        "authTokens" => value is JsonObject { Count: > 0 } ? Canonical(value) : null,
                        "dns" => CanonicalDns(value),
                        "v6AssignMode" =>
                            new JsonArray([.. new[] { "6plane", "rfc4193", "zt" }.Where(m => value?[m] is { } on && (bool)on).Select(m =>
                                (JsonNode)m)]),
                        "data" => Unordered(value!.AsArray().Where(r => !Refused.Contains((string?)r!["id"]))),
                        "meta" => null,
                        "id" or "address" or "nwid" when value is JsonValue id && id.TryGetValue(out string? text) =>
                            text.ToLowerInvariant(),
                        _ when Node().IsMatch(name) => 0,
                        _ => Canonical(value),
                    };
                }

                return sorted;
            case JsonArray { Count: > 0 } ids when ids.All(i => i is JsonValue v && v.TryGetValue(out string? id) && id.Length == 16):
                return Unordered(ids.Where(i => !Refused.Contains((string?)i)));
            case JsonArray array:
                return new JsonArray([.. array.Select(Canonical)]);
            default:
                return node?.DeepClone();
        }
    }

    private static JsonArray Unordered(IEnumerable<JsonNode?> entries) =>
        new([.. entries.Select(Canonical).OrderBy(e => e?.ToJsonString(), StringComparer.Ordinal)]);

    private static JsonObject? CanonicalDns(JsonNode? dns) => dns is JsonObject && ((string?)dns["domain"] is { Length: > 0 }
        || dns["servers"]?.AsArray().Count > 0)
        ? new JsonObject { ["domain"] = (string?)dns["domain"] ?? "", ["servers"] = dns["servers"]?.DeepClone() ?? new JsonArray() }
        : null;

    private sealed record Deviation(int Status, string Why, string? Repair = null);

    [GeneratedRegex("^[0-9a-fA-F]{10}$")]
    private static partial Regex Node();

    [GeneratedRegex("[0-9a-fA-F]{16}")]
    private static partial Regex Hexadecimal();
}
