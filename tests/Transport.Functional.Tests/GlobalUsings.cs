global using Microsoft.AspNetCore.Builder;
global using Microsoft.AspNetCore.Connections;
global using Microsoft.AspNetCore.Hosting;
global using Microsoft.AspNetCore.Http;
global using Microsoft.AspNetCore.Server.Kestrel.Core;
global using Microsoft.Extensions.DependencyInjection;
global using Transport.Functional.Tests.Support;
global using Transport.Functional.Tests.Transports;
