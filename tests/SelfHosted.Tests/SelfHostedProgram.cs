using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace SelfHosted.Tests;

/// <summary>The sample as a process of its own on loopback, and <c>zt</c> beside it.</summary>
public sealed class SelfHostedProgram : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly List<string> _log = [];
    private Process _process = null!;

    public DirectoryInfo Data { get; } = Directory.CreateTempSubdirectory("zt-self-");

    public string Home => Folder("controller");

    public string Planet => Path.Combine(Home, "planet");

    public string Network { get; private set; } = "";

    public string Folder(string name) => Path.Combine(Data.FullName, name);

    public async ValueTask InitializeAsync()
    {
        _process = Launch($"--EndPoint=127.0.0.1:{FreePort.Udp()}", $"--HttpPort={FreeTcpPort()}");
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) => Take(line.Data, ready);
        _process.ErrorDataReceived += (_, line) => Take(line.Data, ready);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            await ready.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(string.Join('\n', _log));
        }
    }

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
        Data.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private Process Launch(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(
            typeof(SelfHostedProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "SelfHosted").Value!);
        foreach (string argument in (string[])[.. arguments, $"--Home={Home}"])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["XDG_DATA_HOME"] = Data.FullName;
        return Process.Start(start)!;
    }

    private void Take(string? line, TaskCompletionSource ready)
    {
        const string Begin = "Your network ";
        lock (_log)
        {
            _log.Add(line ?? "");
        }

        if (line?.IndexOf(Begin, StringComparison.Ordinal) is >= 0 and var at)
        {
            Network = line.Substring(at + Begin.Length, 16);
        }

        if (line?.Contains("deauthorize", StringComparison.Ordinal) == true)
        {
            ready.TrySetResult();
        }
        else if (line is null && _process.HasExited)
        {
            ready.TrySetException(new InvalidOperationException(string.Join('\n', _log)));
        }
    }

    private static int FreeTcpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
