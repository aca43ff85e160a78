// One app, and what each feature adds to it. benchmarks/sizes publishes it natively, once for each.
#pragma warning disable IDE0005 // Which namespaces are used depends on the features.
using Kestrel.Transport.ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Controller.AspNetCore;
using ZeroTier.Service.AspNetCore;
#pragma warning restore IDE0005

var builder = WebApplication.CreateSlimBuilder(args);
#if TLS
builder.WebHost.UseKestrelHttpsConfiguration();
#endif
#if TRANSPORT
builder.WebHost.UseZeroTier(zt => zt.Listen(8080));
#endif
#if HTTPS
builder.WebHost.UseZeroTier(zt => zt.Listen(8443, listen => listen.UseZeroTierHttps()));
#endif
#if HEALTH
builder.Services.AddHealthChecks().AddZeroTier();
#endif
#if ACCESS
builder.Services.AddAuthentication().AddZeroTier();
builder.Services.AddAuthorization();
#endif
#if CLIENT
builder.Services.AddHttpClient("private").AddZeroTier();
#endif
#if STATUS || SERVICE
builder.Services.AddZeroTierService();
#endif
#if CONTROLLER
builder.Services.AddZeroTierController(controller => controller.Store = new MemoryControllerStore());
#endif

var app = builder.Build();
#if HEALTH
app.MapHealthChecks("/readyz");
#endif
#if STATUS
app.MapZeroTierStatus();
#endif
#if SERVICE
app.MapZeroTierService();
#endif
#if CONTROLLER
app.MapZeroTierController();
app.MapZeroTierControllerV1();
app.MapZeroTierAdmin();
#endif
app.MapGet("/", () => "hello\n");
app.Run();
