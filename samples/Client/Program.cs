using Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// Calls the sample WebApi on the development network: dotnet run --project samples/Client -- --Url "http://[fc…]:8080/"
var builder = Host.CreateApplicationBuilder(args);
builder.AddZeroTier(zt => zt.UseDevelopmentNetwork());
builder.Services.AddHttpClient<Caller>((services, client) =>
{
    string url = services.GetRequiredService<IConfiguration>()["Url"]
        ?? throw new InvalidOperationException(
            "No URL to call. Take the one that samples/WebApi prints, for example --Url \"http://[fc…]:8080/\".");
    client.BaseAddress = new Uri(url);
}).AddZeroTier();
builder.Services.AddHostedService<Worker>();
builder.Build().Run();
