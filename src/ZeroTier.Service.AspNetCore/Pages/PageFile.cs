using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>A file of a set of pages, as it is sent. Its ETag is its hash.</summary>
internal sealed class PageFile(string name, string contentType, byte[] content)
{
    public string Name => name;

    public string ContentType => contentType;

    public ReadOnlyMemory<byte> Content => content;

    public EntityTagHeaderValue Tag { get; } = new($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
}
