using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>
/// Values that networks and members have in common, as ZeroTierOne's controller reads them (docs/protocol/5-http-api.md 5.3).
/// </summary>
internal static class CompatibleJson
{
    private const int TraceTargetLength = 10;

    /// <summary>The entries of an array, as many as are kept.</summary>
    public static IEnumerable<JsonElement> Entries(this JsonElement array) => array.EnumerateArray().Take(ControllerNetwork.MaxEntries);

    /// <summary>An address with its bits; null when the value is no text, or the text of no address.</summary>
    public static (IPAddress Address, int Bits)? ToPrefix(this JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text ? AddressText.ReadPrefix(text.ToText()) : null;

    /// <summary>Addresses; entries that are none are left out.</summary>
    /// <exception cref="JsonException">An entry is no text.</exception>
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

    /// <summary>Who gets traces: ten characters, else null.</summary>
    public static string? ToTraceTarget(this JsonElement value) => value.ToText() is { Length: TraceTargetLength } target ? target : null;

    /// <summary>Milliseconds since 1970; null for 0.</summary>
    public static DateTimeOffset? ToTime(this JsonElement value) => JsonValues.ToTime((long)Math.Min(value.ToInteger(), long.MaxValue));
}
