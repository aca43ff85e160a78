using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>
/// Reads values that networks and members have in common, as ZeroTierOne's controller does (docs/protocol/5-http-api.md 5.3).
/// </summary>
internal static class CompatibleJson
{
    private const int TraceTargetLength = 10;

    /// <summary>The elements of an array, up to the permitted number.</summary>
    public static IEnumerable<JsonElement> Entries(this JsonElement array) => array.EnumerateArray().Take(ControllerNetwork.MaxEntries);

    /// <summary>An address with its prefix length; null when the value is not a text with an address.</summary>
    public static (IPAddress Address, int Bits)? ToPrefix(this JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text ? AddressText.ReadPrefix(text.ToText()) : null;

    /// <summary>Addresses; texts that are not an address are skipped.</summary>
    /// <exception cref="JsonException">An element is not a text.</exception>
    public static ImmutableArray<IPAddress> ToAddresses(this JsonElement array)
    {
        var addresses = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (JsonElement entry in array.Entries())
        {
            if (entry.ValueKind != JsonValueKind.String)
            {
                throw new JsonException("An address must be a text, for example \"10.147.20.5\".");
            }

            if (ToPrefix(entry) is { } prefix)
            {
                addresses.Add(prefix.Address);
            }
        }

        return addresses.DrainToImmutable();
    }

    /// <summary>The receiver of remote traces, if it has ten characters; else null.</summary>
    public static string? ToTraceTarget(this JsonElement value) => value.ToText() is { Length: TraceTargetLength } target ? target : null;

    /// <summary>Milliseconds since 1970; null for 0.</summary>
    public static DateTimeOffset? ToTime(this JsonElement value) => JsonValues.ToTime((long)Math.Min(value.ToInteger(), long.MaxValue));
}
