namespace EndToEnd.Tests.Sandbox;

/// <summary>
/// Each system call that a node makes, directly or through the framework, beyond what an empty program makes, refused with ENOSYS and with
/// EPERM as a seccomp profile does: the node starts and serves, or says what to allow. Not here is what the runtime itself ends at, before
/// or whatever the node does: clone3 with EPERM, epoll_wait, fcntl, getdents64, pread64, sched_setaffinity, sysinfo.
/// </summary>
[Collection(nameof(WholeProcess))]
public sealed class RefusedCallTests(SandboxedProcess sandbox, ITestOutputHelper output) : IClassFixture<SandboxedProcess>
{
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private const int NotImplemented = 38;
    private const int FamilyNotSupported = 97;

    [Theory]
    [InlineData("chmod,fchmod,fchmodat")]
    [InlineData("epoll_ctl")]
    [InlineData("fallocate,ftruncate")]
    [InlineData("flock")]
    [InlineData("fstatfs,statfs")]
    [InlineData("fsync,fdatasync")]
    [InlineData("getsockopt")]
    [InlineData("ioctl")]
    [InlineData("link")]
    [InlineData("lseek")]
    [InlineData("recvmmsg", 1112)]
    [InlineData("recvmsg", 1113)]
    [InlineData("rename,renameat,renameat2,link", 108)]
    [InlineData("sendmmsg", 1123)]
    [InlineData("sendto,recvfrom", 1113)]
    [InlineData("sched_getaffinity")]
    [InlineData("setsockopt")]
    [InlineData("shutdown")]
    [InlineData("socket:10")]
    [InlineData("socket:16", 1113)]
    [InlineData("socket:16,ioctl::0x8912", 1113)]
    [InlineData("utimensat,utime,utimes")]
    [InlineData("close_range,copy_file_range,eventfd2,fadvise64,inotify_init1,madvise,membarrier,timerfd_create,uname")]
    public async Task Without_a_call_that_the_node_can_do_without_it_serves(string calls, int eventId = 0)
    {
        foreach (int errno in (int[])[NotImplemented, NotPermitted])
        {
            var result = await RunAsync(calls, errno);
            Assert.True(result.Served, result.Output);
            Assert.True(eventId == 0 || result.Event(eventId).Length > 0, result.Output);
        }
    }

    [Theory]
    [InlineData("bind", "must allow the calls of UDP sockets")]
    [InlineData("epoll_create,epoll_create1", "must allow the calls of UDP sockets and epoll")]
    [InlineData("getrandom", "must allow getrandom")]
    [InlineData("getsockname", "must allow the calls of UDP sockets")]
    [InlineData("mkdir,mkdirat", "The process needs to create, read and write files there")]
    [InlineData("pwrite64", "The process needs to create, read and write files there")]
    [InlineData("recvmmsg,recvmsg", "must allow sendmsg and recvmsg")]
    [InlineData("sendmsg", "must allow sendmsg and recvmsg")]
    [InlineData("unlink,unlinkat", "The process needs to create, read and write files there")]
    [InlineData("socket", "must allow the calls of UDP sockets")]
    public async Task Without_a_call_that_it_needs_the_start_fails_and_names_the_remedy(string calls, string remedy)
    {
        foreach (int errno in (int[])[NotImplemented, NotPermitted])
        {
            var result = await RunAsync(calls, errno);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("failed: ZeroTier.ZeroTierException: ", result.Output, StringComparison.Ordinal);
            Assert.Contains(remedy, result.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(FamilyNotSupported)]
    [InlineData(AccessDenied)]
    public async Task Without_netlink_the_node_uses_the_same_addresses_and_says_so_once(int errno)
    {
        var result = await RunAsync("socket:16", errno);
        Assert.True(result.Served, result.Output);
        Assert.Contains("The node uses 10.77.0.1, fd77::1,", Assert.Single(result.Event(1113)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_interface_table_too_the_node_uses_the_wildcard_of_IPv4()
    {
        var result = await RunAsync("socket:16,ioctl", NotPermitted);
        Assert.True(result.Served, result.Output);
        Assert.Contains("The node uses 0.0.0.0, fd77::1,", Assert.Single(result.Event(1113)), StringComparison.Ordinal);
    }

    private async Task<SandboxedResult> RunAsync(string calls, int errno)
    {
        Assert.SkipWhen(sandbox.SkipReason is not null, sandbox.SkipReason ?? "");
        var result = await sandbox.RefuseAsync(calls, errno, ("StoragePath", Path.Combine(sandbox.NewFolder(), "node")));
        output.WriteLine($"{calls} {errno}: {result.Output}");
        return result;
    }
}
