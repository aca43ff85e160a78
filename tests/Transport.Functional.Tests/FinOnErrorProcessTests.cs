using System.Diagnostics;
using System.Runtime.InteropServices;
using Transport.Functional.Tests.Behaviours;

namespace Transport.Functional.Tests;

/// <summary>Runs <see cref="FinOnErrorTests"/> where the switch is on.</summary>
public sealed class FinOnErrorProcessTests
{
    [Fact]
    public async Task Rule_6_6_FinOnError_turns_every_abort_into_a_FIN_over_every_transport()
    {
        string dotnet = Path.GetFullPath(
            Path.Combine(
                RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        var start = new ProcessStartInfo(
            dotnet,
            [typeof(FinOnErrorProcessTests).Assembly.Location, "-noColor", "-explicit", "only", "-method", "*.Rule_6_6_With_FinOnError_*"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[FinOnErrorSwitch.Variable] = "1";
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(2 * Wait.Limit);
        try
        {
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0 && output.Contains("Errors: 0, Failed: 0", StringComparison.Ordinal), output);
            Assert.DoesNotContain("Total: 0,", output, StringComparison.Ordinal);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
