using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace ZeroTier.Platform;

/// <summary>What mode 0600 is on Windows: an access list that inherits nothing and names this user alone.</summary>
[SupportedOSPlatform("windows")]
internal static class WindowsOwner
{
    /// <summary>Makes a new file, closed to others from its first moment.</summary>
    public static FileStream Create(string path) =>
        new FileInfo(path).Create(FileMode.CreateNew, FileSystemRights.Write, FileShare.None, bufferSize: 1, FileOptions.None, OwnerOnly());

    /// <summary>Closes a file to others.</summary>
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
