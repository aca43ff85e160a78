using System.Net;
using System.Text;
using ZeroTier.Controller.AspNetCore.Tests;
using ZeroTier.Testing;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>Bodies that no tool sends.</summary>
public sealed class FuzzedBodiesTests
{
    private static readonly byte[][] Bodies =
    [
        .. new[]
        {
            """{"allowManaged":true,"allowGlobal":false,"allowDefault":true,"allowDNS":false}""", """{"seed":"8056c2e21c"}""",
            """{"seed":1234567890}""",
            """{"allowManagementFrom":["10.0.0.0/8"],"primaryPort":9993}""", "[1,2,{}]", "null",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    [Fact]
    public async Task No_body_makes_the_api_fail()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        var random = new Random(20261129);
        string[] paths = [$"/network/{TestNetwork.Network}", "/moon/deadbeef01", "/config/settings", "/network/8056c2e21c000001"];

        for (int i = 0; i < 2000; i++)
        {
            string path = paths[random.Next(paths.Length)];
            byte[] body = Mutation.Of(Bodies[random.Next(Bodies.Length)], Bodies, random);
            using var content = new ByteArrayContent(body);
            using HttpResponseMessage response = await app.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
            Assert.True(
                response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest,
                $"{(int)response.StatusCode} {path} {Convert.ToHexString(body)}");
        }
    }

    [Fact]
    public async Task Body_that_is_too_long_is_refused()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(options => options.MaxRequestBodySize = 1024);
        string long1 = $$"""{"x":"{{new string('x', 2000)}}"}""";

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await app.SendAsync("POST", $"/network/{TestNetwork.Network}", long1)).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await app.SendAsync("POST", "/moon/deadbeef01", long1)).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await app.SendAsync("POST", "/config/settings", long1)).Status);
    }
}
