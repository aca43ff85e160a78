using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Tests.Native;

public sealed class ErrnoTableTests
{
    // docs/protocol/4-libzt-api.md 8: Linux number, number of Microsoft's C runtime.
    public static TheoryData<int, int> Numbers => new()
    {
        { 5, 5 }, { 9, 9 }, { 11, 140 }, { 12, 12 }, { 22, 22 }, { 23, 23 }, { 38, 40 }, { 90, 115 }, { 92, 123 }, { 95, 130 }, { 98, 100 },
        { 103, 106 }, { 104, 108 }, { 105, 119 }, { 106, 113 }, { 107, 126 }, { 113, 110 }, { 114, 103 }, { 115, 112 },
    };

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Every_number_of_the_library_is_known_on_both_platforms(int linux, int windows)
    {
        Assert.True(Enum.IsDefined(ErrnoTable.FromLinux(linux)));
        Assert.Equal(ErrnoTable.FromLinux(linux), ErrnoTable.FromWindows(windows));
        Assert.Equal(ErrnoTable.FromLinux(linux), ErrnoTable.FromDarwin(linux));
    }

    [Fact]
    public void Windows_would_block_11_agrees_with_Linux() => Assert.Equal(Errno.Again, ErrnoTable.FromWindows(11));

    [Theory]
    [InlineData((int)Errno.Reset, (int)SocketOperation.Connect, ZeroTierError.ConnectionRefused)]
    [InlineData((int)Errno.Reset, (int)SocketOperation.Receive, ZeroTierError.ConnectionReset)]
    [InlineData((int)Errno.Aborted, (int)SocketOperation.Connect, ZeroTierError.TimedOut)]
    [InlineData((int)Errno.Aborted, (int)SocketOperation.Receive, ZeroTierError.ConnectionAborted)]
    [InlineData((int)Errno.NotConnected, (int)SocketOperation.Send, ZeroTierError.ConnectionReset)]
    [InlineData((int)Errno.NoRoute, (int)SocketOperation.Connect, ZeroTierError.AddressNotAvailable)]
    [InlineData((int)Errno.AddressInUse, (int)SocketOperation.Bind, ZeroTierError.AddressInUse)]
    [InlineData((int)Errno.TableFull, (int)SocketOperation.Open, ZeroTierError.NotPermitted)]
    [InlineData((int)Errno.NoBuffers, (int)SocketOperation.Connect, ZeroTierError.NotPermitted)]
    public void ToError_depends_on_the_operation(int error, int operation, ZeroTierError expected) =>
        Assert.Equal(expected, ErrnoTable.ToError((Errno)error, (SocketOperation)operation));

    [Fact]
    public void Describe_has_words_for_every_number() =>
        Assert.All(Enum.GetValues<Errno>(), error => Assert.DoesNotContain("libzt gave error", ErrnoTable.Describe(error)));
}
