using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace EndToEnd.Tests;

/// <summary>The public and protected members of an assembly, one line each.</summary>
internal static partial class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    // What the compiler writes into every record says nothing.
    private static readonly HashSet<string> RecordMembers = ["PrintMembers", "<Clone>$", "EqualityContract", "GetHashCode", "ToString", "op_Equality", "op_Inequality"];

    /// <summary>The lines, in the order of types and names, whatever the modifiers.</summary>
    public static IEnumerable<string> Of(Assembly assembly) => assembly.GetExportedTypes().SelectMany(Lines).OrderBy(Unmodified, StringComparer.Ordinal);

    /// <summary>A line from the type's name on.</summary>
    public static string Unmodified(string line) => LeadingModifiers().Replace(line, "");

    [GeneratedRegex("^((protected|required|static|const|readonly|abstract|virtual|override|event) )+")]
    private static partial Regex LeadingModifiers();

    private static IEnumerable<string> Lines(Type type)
    {
        yield return Declaration(type);
        if (type.IsSubclassOf(typeof(Delegate)))
        {
            yield break;
        }

        if (type.IsEnum)
        {
            foreach (string name in Enum.GetNames(type))
            {
                yield return $"{TypeName.Of(type)}.{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}";
            }

            yield break;
        }

        foreach (var member in type.GetMembers(Declared))
        {
            if (Line(type, member) is { } line)
            {
                yield return line;
            }
        }
    }

    private static string? Line(Type type, MemberInfo member) => member switch
    {
        FieldInfo field when IsVisible(field.IsPublic, field.IsFamily || field.IsFamilyOrAssembly) => Field(type, field),
        PropertyInfo property when property.GetAccessors(nonPublic: true).Any(IsVisible) && !RecordMembers.Contains(property.Name) => Property(type, property),
        EventInfo { AddMethod: { } add } e when IsVisible(add) => $"{Modifiers(add)}event {TypeName.Of(type)}.{e.Name} -> {TypeName.Of(new NullabilityInfoContext().Create(e))}",
        ConstructorInfo constructor when IsVisible(constructor) && !constructor.IsStatic => $"{Modifiers(constructor)}{TypeName.Of(type)}.new({Parameters(constructor)})",
        MethodInfo method when IsVisible(method) && !IsAccessor(method) && !IsRecordMember(type, method) =>
            $"{Modifiers(method)}{TypeName.Of(type)}.{method.Name}{Generic(method)}({Parameters(method)}) -> {TypeName.Of(new NullabilityInfoContext().Create(method.ReturnParameter))}",
        _ => null,
    };

    private static string Declaration(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            _ when type.IsSubclassOf(typeof(Delegate)) => "delegate",
            { IsSealed: true } => "sealed class",
            { IsAbstract: true } => "abstract class",
            _ => "class",
        };
        var bases = type.GetInterfaces().Where(i => i.IsVisible && !i.FullName!.StartsWith("System.IEquatable", StringComparison.Ordinal));
        if (type is { IsClass: true, BaseType: { } parent } && parent != typeof(object) && kind != "delegate")
        {
            bases = [parent, .. bases.Except(parent.GetInterfaces())];
        }

        string list = type.IsEnum || kind == "delegate" ? "" : string.Join(", ", bases.Select(TypeName.Of).Order(StringComparer.Ordinal));
        string signature = kind == "delegate" ? $"({Parameters(type.GetMethod("Invoke")!)}) -> {TypeName.Of(type.GetMethod("Invoke")!.ReturnType)}" : "";
        return $"{TypeName.Of(type)}{signature} : {kind}{(list.Length == 0 ? "" : " : " + list)}";
    }

    private static string Field(Type type, FieldInfo field)
    {
        string name = $"{TypeName.Of(type)}.{field.Name}";
        string kind = TypeName.Of(new NullabilityInfoContext().Create(field));
        return field.IsLiteral
            ? $"const {name} = {Literal(field.GetRawConstantValue())} -> {kind}"
            : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{name} -> {kind}";
    }

    private static string Property(Type type, PropertyInfo property)
    {
        var accessors = new List<string>();
        if (property.GetMethod is { } get && IsVisible(get))
        {
            accessors.Add("get");
        }

        if (property.SetMethod is { } set && IsVisible(set))
        {
            accessors.Add(set.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? "init" : "set");
        }

        bool required = property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute));
        var indices = property.GetIndexParameters();
        string index = indices.Length == 0 ? "" : $"[{string.Join(", ", indices.Select(Parameter))}]";
        string kind = TypeName.Of(new NullabilityInfoContext().Create(property));
        var any = property.GetAccessors(nonPublic: true).First(IsVisible);
        return $"{(required ? "required " : "")}{Modifiers(any)}{TypeName.Of(type)}.{property.Name}{index} {{ {string.Join("; ", accessors)}; }} -> {kind}";
    }

    private static string Modifiers(MethodBase method)
    {
        string access = method.IsPublic ? "" : "protected ";
        bool inInterface = method.DeclaringType!.IsInterface;
        return access + method switch
        {
            { IsStatic: true } => "static ",
            { IsAbstract: true } when !inInterface => "abstract ",
            { IsVirtual: true, IsFinal: false } when !inInterface => method is MethodInfo info && info.GetBaseDefinition() != info ? "override " : "virtual ",
            _ => "",
        };
    }

    private static string Generic(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(TypeName.Of))}>" : "";

    private static string Parameters(MethodBase method)
    {
        string list = string.Join(", ", method.GetParameters().Select(Parameter));
        return method.IsDefined(typeof(System.Runtime.CompilerServices.ExtensionAttribute)) ? "this " + list : list;
    }

    private static string Parameter(ParameterInfo parameter)
    {
        string way = parameter switch
        {
            { IsOut: true } => "out ",
            { ParameterType.IsByRef: true } when parameter.IsIn => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute)) => "params ",
            _ => "",
        };
        string value = parameter.HasDefaultValue ? $" = {Literal(parameter.DefaultValue)}" : "";
        return $"{way}{TypeName.Of(new NullabilityInfoContext().Create(parameter))} {parameter.Name}{value}";
    }

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static bool IsRecordMember(Type type, MethodInfo method) =>
        RecordMembers.Contains(method.Name) || (method.Name == "Equals" && (method.GetParameters() is [var other] && (other.ParameterType == type || other.ParameterType == typeof(object))));

    private static bool IsVisible(MethodBase method) => IsVisible(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly) && method.Name != "Finalize";

    private static bool IsVisible(bool isPublic, bool isProtected) => isPublic || isProtected;
}
