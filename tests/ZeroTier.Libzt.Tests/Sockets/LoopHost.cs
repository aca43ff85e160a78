using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ZeroTier.Libzt.Native;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>The double that this process' own engine assembly is bound to: its loop's side. One for the process, so one test at a time.</summary>
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

/// <summary>Collects log lines.</summary>
internal sealed class CollectingLogger : ILogger
{
    private readonly List<(EventId Id, LogLevel Level, string Text)> _lines = [];
    private readonly HashSet<int> _forgiven = [];

    public IReadOnlyList<(EventId Id, LogLevel Level, string Text)> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>A provider that fails.</summary>
    public volatile bool Throws;

    /// <summary>Expected by the test, now and from now on.</summary>
    public void Forgive(int id)
    {
        lock (_lines)
        {
            _forgiven.Add(id);
            _lines.RemoveAll(line => line.Id.Id == id);
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (Throws)
        {
            throw new InvalidOperationException("The log provider failed.");
        }

        lock (_lines)
        {
            if (_forgiven.Contains(eventId.Id))
            {
                return;
            }

            _lines.Add((eventId, logLevel, $"{formatter(state, exception)} {exception}"));
        }
    }
}
