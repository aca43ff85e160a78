using System.Reflection;

namespace EndToEnd.Tests;

/// <summary>Types as they are written in C#, with their nullability.</summary>
internal static class TypeName
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(double)] = "double",
    };

    /// <summary>The name without what only a use of the type can say.</summary>
    public static string Of(Type type) => Of(type, null);

    /// <summary>The name as it stands at one use of the type.</summary>
    public static string Of(NullabilityInfo info) => Of(info.Type, info);

    private static string Of(Type type, NullabilityInfo? info)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, info);
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Of(value) + "?";
        }

        string mark = !type.IsValueType && info is { WriteState: NullabilityState.Nullable } or { ReadState: NullabilityState.Nullable } ? "?" : "";
        if (type.IsArray)
        {
            return Of(type.GetElementType()!, info?.ElementType) + "[]" + mark;
        }

        return (Keywords.TryGetValue(type, out string? keyword) ? keyword : Full(type, info)) + mark;
    }

    private static string Full(Type type, NullabilityInfo? info)
    {
        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        var arguments = type.GetGenericArguments();
        string prefix = type.IsNested ? Of(type.DeclaringType!) : type.Namespace!;
        string name = $"{prefix}.{type.Name.Split('`')[0]}";
        if (!type.Name.Contains('`', StringComparison.Ordinal))
        {
            return name;
        }

        bool known = info is not null && info.GenericTypeArguments.Length == arguments.Length;
        return $"{name}<{string.Join(", ", arguments.Select((argument, i) => Of(argument, known ? info!.GenericTypeArguments[i] : null)))}>";
    }
}
