namespace ZeroTier.Libzt.Native;

/// <summary>libzt's C API (chapter 4, appendix A), by area. Nothing here checks or orders calls: that is the work of the folders above.</summary>
/// <remarks>Results of C type <c>ssize_t</c> are declared <see cref="int"/>, which is right on every platform (chapter 4, section 3).</remarks>
internal static unsafe partial class Zts
{
    /// <summary>The name by which the imports ask for the library; where it is found is decided in <c>Loading/</c>.</summary>
    internal const string Library = "libzt";
}
