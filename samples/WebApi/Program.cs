using WebApi;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseZeroTier(zt => zt.Listen(builder.Configuration.GetValue("HttpPort", 8080)));
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
builder.Services.AddHealthChecks().AddZeroTier();
builder.Services.AddHostedService<Announcement>();

var app = builder.Build();
app.UseWebSockets();
app.MapHealthChecks("/healthz");
app.MapHealthChecks("/livez", new() { Predicate = check => check.Tags.Contains("live") });
app.MapHealthChecks("/readyz", new() { Predicate = check => check.Tags.Contains("ready") });
app.MapGet("/", Endpoints.WhoAmI);
app.MapGet("/events", Endpoints.Events);
app.MapGet("/stream", Endpoints.Stream);
app.MapGet("/download", Endpoints.Download);
app.MapPost("/upload", Endpoints.Upload);
app.MapGet("/ws", Endpoints.Echo);
app.Run();
