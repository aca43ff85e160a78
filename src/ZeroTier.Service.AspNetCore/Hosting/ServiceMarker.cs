namespace ZeroTier.Service.AspNetCore.Hosting;

/// <summary>That <c>AddZeroTierService</c> was called.</summary>
internal sealed class ServiceMarker;
