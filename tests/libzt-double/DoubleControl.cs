using System.Runtime.InteropServices;
using System.Text;

namespace ZeroTier.LibztDouble;

/// <summary>The control side of one copy of the double: its script, its record of violated rules, its counters. Thread-safe.</summary>
public sealed unsafe class DoubleControl
{
    private readonly delegate* unmanaged[Cdecl]<byte*, int> _configure;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, int> _violations;
    private readonly delegate* unmanaged[Cdecl]<void> _reset;
    private readonly delegate* unmanaged[Cdecl]<byte*, nint> _counter;

    /// <param name="path">A copy of the library; the one that a node has loaded, to control that node's.</param>
    public DoubleControl(string path)
    {
        Path = path;
        Handle = NativeLibrary.Load(path);
        _configure = (delegate* unmanaged[Cdecl]<byte*, int>)NativeLibrary.GetExport(Handle, "ztd_configure");
        _violations = (delegate* unmanaged[Cdecl]<byte*, int, int>)NativeLibrary.GetExport(Handle, "ztd_violations");
        _reset = (delegate* unmanaged[Cdecl]<void>)NativeLibrary.GetExport(Handle, "ztd_reset");
        _counter = (delegate* unmanaged[Cdecl]<byte*, nint>)NativeLibrary.GetExport(Handle, "ztd_counter");
    }

    /// <summary>The file of this copy.</summary>
    public string Path { get; }

    /// <summary>The loaded library.</summary>
    public nint Handle { get; }

    /// <summary>The broken rules so far, one a line (docs/protocol/4-libzt-api.md 12 and 13); empty when all is well.</summary>
    public IReadOnlyList<string> Violations
    {
        get
        {
            byte[] buffer = new byte[64 * 1024];
            fixed (byte* start = buffer)
            {
                int count = _violations(start, buffer.Length);
                string text = Marshal.PtrToStringUTF8((nint)start) ?? "";
                return count == 0 ? [] : text.Split('\n');
            }
        }
    }

    /// <summary>Sets knobs: <c>key=value;key=value</c>, at once. <c>README.md</c> beside this file lists them.</summary>
    public void Configure(string script)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(script + '\0'))
        {
            if (_configure(text) != 0)
            {
                throw new ArgumentException($"The double does not understand '{script}'.", nameof(script));
            }
        }
    }

    /// <summary>One of the double's counters.</summary>
    public long Counter(string name)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(name + '\0'))
        {
            nint value = _counter(text);
            return value >= 0 ? value : throw new ArgumentException($"The double has no counter '{name}'.", nameof(name));
        }
    }

    /// <summary>
    /// As freshly loaded: no node, no sockets, no threads, no script, no record. Not while a call of the library runs in a callback.
    /// </summary>
    public void Reset() => _reset();
}
