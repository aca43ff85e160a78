namespace ZeroTier.Controller;

/// <summary>Identifies who made a change, for the audit trail. Immutable.</summary>
public sealed record Actor
{
    /// <summary>The maximum length of a name in characters.</summary>
    public const int MaxNameLength = 256;

    /// <summary>Creates an actor.</summary>
    /// <param name="name">A user's name, or the way in which the request was authenticated, 1 to 256 characters.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    public Actor(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > MaxNameLength)
        {
            throw new ArgumentException($"The actor's name has {name.Length} characters; at most {MaxNameLength} are kept.", nameof(name));
        }

        Name = name;
    }

    /// <summary>The controller itself, for changes that result from the settings of its networks.</summary>
    public static Actor Controller { get; } = new("controller");

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <inheritdoc />
    public override string ToString() => Name;
}
