using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace ZeroTier.Platform;

/// <summary>The equivalent of mode 0600 on Windows: an access list without inheritance that grants access to this user only.</summary>
[SupportedOSPlatform("windows")]
internal static class WindowsOwner
{
    /// <summary>Creates a new file with restricted access from the start.</summary>
    public static FileStream Create(string path) =>
        new FileInfo(path).Create(FileMode.CreateNew, FileSystemRights.Write, FileShare.None, bufferSize: 1, FileOptions.None, OwnerOnly());

    /// <summary>Restricts a file to this user.</summary>
    public static void Close(string path) => new FileInfo(path).SetAccessControl(OwnerOnly());

    private static FileSecurity OwnerOnly()
    {
        using var user = WindowsIdentity.GetCurrent();
        var security = new FileSecurity();
        security.SetAccessRuleProtection(isProtected: true, preserveInheritance: false);
        security.AddAccessRule(new FileSystemAccessRule(user.User!, FileSystemRights.FullControl, AccessControlType.Allow));
        return security;
    }
}
