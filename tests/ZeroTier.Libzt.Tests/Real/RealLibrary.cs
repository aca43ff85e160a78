using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Tests.Real;

/// <summary>
/// Whether tests with the real library can run here: it is named by <c>LIBZT_PATH</c>, and this process sits in a network namespace of its
/// own, with an address other than loopback, which libzt does not use, and no way out.
/// </summary>
internal static class RealLibrary
{
    private static readonly Lazy<(string? Reason, IPAddress? Address)> _here = new(Look);

    /// <summary>Why not; null when they can.</summary>
    public static string? SkipReason => _here.Value.Reason;

    /// <summary>The address on which the tests' root and nodes meet.</summary>
    public static IPAddress Address => _here.Value.Address!;

    private static (string? Reason, IPAddress? Address) Look()
    {
        if (Environment.GetEnvironmentVariable(LibztLibrary.PathVariable) is not { Length: > 0 } path)
        {
            return ($"{LibztLibrary.PathVariable} does not name a libzt.", null);
        }

        if (!NativeLibrary.TryLoad(path, out nint handle))
        {
            return ($"{LibztLibrary.PathVariable} is '{path}', which cannot be loaded.", null);
        }

        bool isDouble = NativeLibrary.TryGetExport(handle, "ztd_configure", out _);
        NativeLibrary.Free(handle);
        if (isDouble)
        {
            return ($"{LibztLibrary.PathVariable} names the double, not libzt.", null);
        }

        var interfaces = NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.NetworkInterfaceType != NetworkInterfaceType.Loopback && i.OperationalStatus != OperationalStatus.Down)
            .Select(i => i.GetIPProperties()).ToList();
        if (interfaces.Any(i => i.GatewayAddresses.Count > 0))
        {
            return ("This network has a way out. Tests with the real library run in a network namespace without one.", null);
        }

        var address = interfaces.SelectMany(i => i.UnicastAddresses)
            .Select(a => a.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork);
        return address is null
            ? ("There is no address besides loopback, which libzt does not use. Add a dummy interface with an IPv4 address.", null)
            : (null, address);
    }
}
