using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller;

/// <summary>A tag that a network knows: a number that members may have, and that rules compare. Immutable and thread-safe.</summary>
/// <param name="Id">What rules and members call it.</param>
/// <param name="Default">The value of members that were given none; null: they do not have the tag.</param>
[JsonConverter(typeof(NetworkTagJsonConverter))]
public sealed record NetworkTag(uint Id, uint? Default = null)
{
    /// <summary>Tags that a network may have: 128.</summary>
    public const int MaxPerNetwork = 128;
}
