using System.Text.Json.Serialization;
using ZeroTier.Controller.Rules;

namespace ZeroTier.Controller;

/// <summary>A tag defined by a network: a numeric property of members that rules compare. Immutable and thread-safe.</summary>
/// <param name="Id">The ID by which rules and members refer to it.</param>
/// <param name="Default">The value for members without an explicit one; null when they do not have the tag.</param>
[JsonConverter(typeof(NetworkTagJsonConverter))]
public sealed record NetworkTag(uint Id, uint? Default = null)
{
    /// <summary>The maximum number of tags of a network: 128.</summary>
    public const int MaxPerNetwork = 128;
}
