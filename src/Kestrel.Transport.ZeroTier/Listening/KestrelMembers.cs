using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Access to Kestrel members that are not public and have no public equivalent. If a later runtime renames them, the tests of rules 4.6,
/// 4.9 and 5.10 fail.
/// </summary>
internal static class KestrelMembers
{
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern ListenOptions NewListenOptions(EndPoint endPoint);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_EndPoint")]
    public static extern void SetEndPoint(ListenOptions listenOptions, EndPoint endPoint);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_CodeBackedListenOptions")]
    public static extern List<ListenOptions> CodeBackedListenOptions(KestrelServerOptions options);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ConfigurationBackedListenOptions")]
    public static extern List<ListenOptions> ConfigurationBackedListenOptions(KestrelServerOptions options);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ApplyEndpointDefaults")]
    public static extern void ApplyEndpointDefaults(KestrelServerOptions options, ListenOptions listenOptions);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EndpointDefaults")]
    public static extern Action<ListenOptions> EndpointDefaults(KestrelServerOptions options);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ReloadOnChange")]
    public static extern bool ReloadsOnChange(KestrelConfigurationLoader loader);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Configuration")]
    public static extern void SetConfiguration(KestrelConfigurationLoader loader, IConfiguration configuration);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_loaded")]
    public static extern ref bool IsLoaded(KestrelConfigurationLoader loader);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Reload")]
    public static extern (List<ListenOptions> Stop, List<ListenOptions> Start) Reload(KestrelConfigurationLoader loader);
}
