using Grpc.Core;

namespace Transport.Functional.Tests.Support;

/// <summary>The methods of <see cref="EchoService"/>, described by hand as the compiler of a .proto file would.</summary>
internal static class EchoMethods
{
    public static Method<string, string> Reverse { get; } = Define(MethodType.Unary, nameof(EchoService.Reverse));

    public static Method<string, string> Fail { get; } = Define(MethodType.Unary, nameof(EchoService.Fail));

    public static Method<string, string> Hang { get; } = Define(MethodType.Unary, nameof(EchoService.Hang));

    public static Method<string, string> Count { get; } = Define(MethodType.ServerStreaming, nameof(EchoService.Count));

    public static Method<string, string> Measure { get; } = Define(MethodType.ClientStreaming, nameof(EchoService.Measure));

    public static Method<string, string> Talk { get; } = Define(MethodType.DuplexStreaming, nameof(EchoService.Talk));

    /// <summary>What the framework learns the methods from; it finds their code by their names.</summary>
    public static void Bind(ServiceBinderBase binder, EchoService? service)
    {
        binder.AddMethod(Reverse, (UnaryServerMethod<string, string>?)null);
        binder.AddMethod(Fail, (UnaryServerMethod<string, string>?)null);
        binder.AddMethod(Hang, (UnaryServerMethod<string, string>?)null);
        binder.AddMethod(Count, (ServerStreamingServerMethod<string, string>?)null);
        binder.AddMethod(Measure, (ClientStreamingServerMethod<string, string>?)null);
        binder.AddMethod(Talk, (DuplexStreamingServerMethod<string, string>?)null);
    }

    private static Method<string, string> Define(MethodType type, string name) =>
        new(type, "test.Echo", name, Marshallers.StringMarshaller, Marshallers.StringMarshaller);
}
