using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// Validates a <c>Certificate</c> section in Kestrel's format: a file, with a separate key file if it holds no private key, or a
/// certificate in a store.
/// </summary>
internal static class CertificateSetting
{
    public const string Name = "Certificate";

    /// <summary>Reports errors of the section, if there is one. Certificates in a store are looked up by Kestrel alone.</summary>
    /// <param name="parent">The section that contains the certificate: an endpoint, or one of its SNI names.</param>
    /// <param name="contentRoot">The folder that relative paths are resolved against.</param>
    public static void Check(SectionReader parent, string contentRoot)
    {
        var section = parent.Section(Name);
        if (!section.GetChildren().Any())
        {
            return;
        }

        var reader = new SectionReader(section);
        string? path = reader.Text("Path");
        string? keyPath = reader.Text("KeyPath");
        string? password = section["Password"];
        string? subject = reader.Text("Subject");
        foreach (string known in (string[])["Password", "Store", "Location"])
        {
            reader.Section(known);
        }

        reader.Flag("AllowInvalid");
        if (path is null == subject is null)
        {
            reader.Report($"{reader.Path} needs either a Path, for example 'app.pfx', or the Subject of a certificate in a store.");
        }
        else if (path is not null
            && Exists(reader, "Path", path, contentRoot)
            && (keyPath is null || Exists(reader, "KeyPath", keyPath, contentRoot)))
        {
            Load(reader, Path.Combine(contentRoot, path), keyPath is null ? null : Path.Combine(contentRoot, keyPath), password);
        }

        foreach (string error in reader.Errors)
        {
            parent.Report(error);
        }
    }

    private static bool Exists(SectionReader reader, string key, string path, string contentRoot)
    {
        if (File.Exists(Path.Combine(contentRoot, path)))
        {
            return true;
        }

        reader.Report($"{reader.Path}:{key} is '{path}', and there is no such file. Paths begin at the content root, {contentRoot}.");
        return false;
    }

    private static void Load(SectionReader reader, string path, string? keyPath, string? password)
    {
        try
        {
            if (keyPath is not null)
            {
                using var pem = string.IsNullOrEmpty(password)
                    ? X509Certificate2.CreateFromPemFile(path, keyPath)
                    : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
            }
            else if (X509Certificate2.GetCertContentType(path) is X509ContentType.Pfx)
            {
                using var pfx = X509CertificateLoader.LoadPkcs12FromFile(path, password);
            }
            else
            {
                reader.Report(
                    $"{reader.Path}:Path is '{path}', which holds no private key. Use a PFX file, or name the file with the key in "
                    + $"{reader.Path}:KeyPath.");
            }
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            reader.Report(
                $"{reader.Path} could not be loaded from '{path}': {exception.Message} Look at its "
                + $"Password{(keyPath is null ? "" : " and KeyPath")}.");
        }
    }
}
