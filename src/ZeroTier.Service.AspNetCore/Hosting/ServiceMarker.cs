namespace ZeroTier.Service.AspNetCore.Hosting;

/// <summary>Registered by <c>AddZeroTierService</c>, so that mapping can check that it was called.</summary>
internal sealed class ServiceMarker;
