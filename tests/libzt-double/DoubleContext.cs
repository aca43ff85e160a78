using System.Reflection;
using System.Runtime.Loader;

namespace ZeroTier.LibztDouble;

/// <summary>
/// A process within the process: the native engine's assembly once more, with statics of its own, on a copy of the double of its own.
/// </summary>
internal sealed class DoubleContext : AssemblyLoadContext
{
    private const string Engine = "ZeroTier.Libzt";

    private static readonly Lock PoolLock = new();

    // Used again in turn, the longest idle first: a start waits until a second has passed since the stop before it. Never unloaded; natives
    // keep its callback.
    private static readonly Queue<DoubleContext> Pool = new();
    private static int _count;

    private readonly Type _node;
    private readonly Type _options;

    private DoubleContext(string name)
        : base(name)
    {
        Control = new DoubleControl(DoubleLibrary.Copy());
        var assembly = LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, Engine + ".dll"));
        _node = assembly.GetType("ZeroTier.Libzt.LibztNode", throwOnError: true)!;
        _options = assembly.GetType("ZeroTier.Libzt.LibztNodeOptions", throwOnError: true)!;
    }

    public DoubleControl Control { get; }

    public static DoubleContext Rent()
    {
        lock (PoolLock)
        {
            return Pool.TryDequeue(out var context) ? context : new DoubleContext($"libzt {++_count}");
        }
    }

    /// <summary>Its node is disposed and the double is reset.</summary>
    public void Return()
    {
        lock (PoolLock)
        {
            Pool.Enqueue(this);
        }
    }

    /// <summary>
    /// A node of this context's engine. Options are carried over by name: here the types are others than those of the default context.
    /// </summary>
    public ZeroTierNode CreateNode(DoubleNodeOptions options)
    {
        object target = Activator.CreateInstance(_options)!;
        Set(target, "LibraryPath", Control.Path);
        foreach (var property in typeof(DoubleNodeOptions).GetProperties())
        {
            if (property.GetValue(options) is { } value)
            {
                Set(target, property.Name, value);
            }
        }

        try
        {
            return (ZeroTierNode)Activator.CreateInstance(_node, target)!;
        }
        catch (TargetInvocationException e) when (e.InnerException is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
            throw;
        }
    }

    /// <summary>Only the engine is loaded anew; the contract and everything else come from the default context.</summary>
    protected override Assembly? Load(AssemblyName assemblyName) => null;

    private void Set(object target, string name, object value)
    {
        var property = _options.GetProperty(name) ?? throw new InvalidOperationException($"LibztNodeOptions has no property {name}.");
        property.SetValue(target, value);
    }
}
