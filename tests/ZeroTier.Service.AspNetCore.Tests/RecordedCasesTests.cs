using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>
/// What the service of ZeroTierOne was asked, asked of this one in the same order (docs/protocol/5-http-api.md 5.15). The node is
/// another one, so answers are compared by status, type, keys and the kinds of their values, and by the values that the requests
/// decide.
/// </summary>
public sealed class RecordedCasesTests
{
    /// <summary>Where the answer is another one on purpose, and why.</summary>
    private static readonly Dictionary<string, (int Status, string Why)> Different = new()
    {
        ["node: moon with 16 digits"] = (200, "IDs are taken as they are shown"),
        ["node: config settings POST"] = (400, "there is no local.conf that could take the setting"),
        ["node: config settings POST null value"] = (400, "as above"),
        ["node: config settings POST invalid JSON"] = (400, "the fault is the caller's (5.14)"),
        ["node: peer root"] = (200, "the roots of this network have other addresses, so that it is unknown here"),
    };

    // Whose answer follows from a difference above, or tells of another network.
    private static readonly string[] NotCompared =
    [
        "node: config after POST", "node: config after null", "node: status shows settings", "node: peer root", "node: moon with 16 digits",
        "node: networks, none joined",
        "node: bond setmtu, no bonding", "node: network list",
    ];

    // What this node does not know of itself, or does not have.
    private static readonly string[] LeftOut =
    [
        "multicastSubscriptions", "surfaceAddresses", "localPort", "localSocket",
    ];

    private static readonly string[] Beyond = ["engine", "engineVersion"];

    private static readonly string[] Decided =
    [
        "allowDefault", "allowGlobal", "allowManaged", "id", "nwid", "result", "isBonded", "waiting", "versionMajor",
    ];

    [Fact]
    public async Task Recorded_requests_get_the_recorded_answers()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.WaitForOnlineAsync(TestContext.Current.CancellationToken);    // the root's version is known from then on
        var wrong = new List<string>();
        foreach (JsonNode? recorded in Cases())
        {
            string name = (string)recorded!["name"]!;
            (HttpStatusCode status, string? type,
                string text) = await app.SendAsync((string)recorded["method"]!, (string)recorded["path"]!, (string?)recorded["body"]);
            int expected = Different.TryGetValue(name, out var different) ? different.Status : (int)recorded["status"]!;
            if ((int)status != expected)
            {
                wrong.Add($"{name}: {(int)status} instead of {expected}: {text}");
            }

            if (type != (string?)recorded["contentType"] && different == default)
            {
                wrong.Add($"{name}: type {type}");
            }

            if (type == "application/json" && !Different.ContainsKey(name) && !NotCompared.Contains(name))
            {
                Compare(name, recorded["answer"], JsonNode.Parse(text), wrong);
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Comparison_finds_what_is_missing_or_of_another_kind()
    {
        var wrong = new List<string>();
        Compare(
            "", JsonNode.Parse("""{"a":1,"b":[{"c":null}],"id":"x"}"""), JsonNode.Parse("""{"a":"1","b":[{}],"id":"y","more":1}"""), wrong);

        Assert.Equal(4, wrong.Count);
    }

    private static void Compare(string at, JsonNode? recorded, JsonNode? answer, List<string> wrong)
    {
        switch (recorded, answer)
        {
            case (JsonObject expected, JsonObject actual):
                wrong.AddRange(
                    expected.Select(p => p.Key).Except(actual.Select(p => p.Key)).Except(LeftOut).Select(key => $"{at}.{key} is missing"));
                wrong.AddRange(
                    actual.Select(p => p.Key).Except(expected.Select(p => p.Key)).Except(Beyond).Select(key => $"{at}.{key} is new"));
                foreach ((string key, JsonNode? value) in expected.Where(p => actual.ContainsKey(p.Key)))
                {
                    if (Decided.Contains(key) && !JsonNode.DeepEquals(value, actual[key]))
                    {
                        wrong.Add($"{at}.{key} is {actual[key]} instead of {value}");
                    }

                    Compare($"{at}.{key}", value, actual[key], wrong);
                }

                break;
            case (JsonArray expected, JsonArray actual):
                if (expected.Count > 0 && actual.Count > 0)
                {
                    Compare($"{at}[0]", expected[0], actual[0], wrong);
                }

                break;
            default:
                if (Kind(recorded) != Kind(answer))
                {
                    wrong.Add($"{at} is {answer?.ToJsonString() ?? "null"} instead of {recorded?.ToJsonString() ?? "null"}");
                }

                break;
        }
    }

    private static JsonValueKind Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        null => JsonValueKind.Null,
        JsonValueKind.False => JsonValueKind.True,
        { } kind => kind,
    };

    private static JsonArray Cases()
    {
        using Stream stream = typeof(RecordedCasesTests).Assembly.GetManifestResourceStream("Vectors/service-api.json")!;
        return JsonNode.Parse(stream)!["cases"]!.AsArray();
    }
}
