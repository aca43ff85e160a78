namespace ZeroTier.Controller;

/// <summary>Who makes a change, for the audit trail. Immutable.</summary>
public sealed record Actor
{
    /// <summary>A name has at most so many characters.</summary>
    public const int MaxNameLength = 256;

    /// <summary>Names who makes a change.</summary>
    /// <param name="name">A user's name, or how he came in, 1 to 256 characters.</param>
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

    /// <summary>The controller itself, for what follows from its networks' settings.</summary>
    public static Actor Controller { get; } = new("controller");

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <inheritdoc />
    public override string ToString() => Name;
}
