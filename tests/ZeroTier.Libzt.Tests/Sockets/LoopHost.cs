using System.Runtime.InteropServices;
using ZeroTier.Libzt.Native;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>
/// The double that this process' own engine assembly is bound to: its loop's side. One for the process, so one test at a time.
/// </summary>
internal static unsafe class LoopHost
{
    private static DoubleControl? _control;

    /// <summary>The loop's double, loaded and bound on first use.</summary>
    public static DoubleControl Control => _control ??= Bind();

    /// <summary>Starts the node and joins the network; returns when it has its address.</summary>
    public static IReadOnlyList<IPNetworkAddress> Up(NetworkId network)
    {
        Assert.Equal(0, Zts.NodeStart());
        Double.RawDouble.Until(() => Zts.NodeGetId() is not 0 and not Double.RawDouble.NotRunning);
        Assert.Equal(0, Zts.NetJoin(network.Value));
        ZtsAddress[] addresses = new ZtsAddress[16];
        int count = 0;
        Double.RawDouble.Until(() =>
        {
            uint n = 16;
            fixed (ZtsAddress* first = addresses)
            {
                count = Zts.AddrGetAll(network.Value, first, &n) == 0 ? (int)n : 0;
            }

            return count != 0;
        });
        return [.. addresses.Take(count).Select(a => new IPNetworkAddress(a.ToIPAddress()!, a.Port))];
    }

    private static DoubleControl Bind()
    {
        // Not through the engine's own loader: other tests expect that nothing is loaded.
        var control = new DoubleControl(DoubleLibrary.Copy());
        NativeLibrary.SetDllImportResolver(typeof(Zts).Assembly, (name, _, _) => name == Zts.Library ? control.Handle : 0);
        Zts.UseErrno(NativeLibrary.GetExport(control.Handle, "zts_errno"));
        return control;
    }
}
