using ZeroTier.Managed;

namespace ZeroTier.SelfHosting.Tests;

/// <summary>Throw-away identities from the recorded traces: making new ones would take most of the tests' time.</summary>
internal static class TestIdentities
{
    public static string[] Texts { get; } =
    [
        "08ecca2ab4:0:2684d4ef4a1c69b89f3602aca09eb6a0471bda05c7830eccb74a61cf6a0db0731dce25211bcef34617ce20e" +
        "0e2f65991366c86476dfdbf91f48ff2d787f59f9e:287fb5c22a58013f910df6645086b20c5879e59e0710de88275940cf82" +
        "91a22812f68aac9b847b2f8452df026b0ce1a7f0be66e209c5cadd3173c84d3830c67a",

        "740b42fdd5:0:0cc25242398d5efd29372b16d43890440453dd6f059c84decde8e783cb798a329af62f9ae9972b67c0b7d72" +
        "9fed14fcb6cf4387873b7a43fa45df1e26ef257ff:8a02a58e068968c4a04b50cace76d9238b9089b9a7069cf66094606d8d" +
        "3baa96c88a0b9bfdb3b8fea8776032fb923d0f39ef82ce1a432b94102cd7b730a695a5",

        "a81874eba7:0:be5384e6f2b1849d1d2b1807e3e640fda16ddea754591dbd446c32e87619442081cae174a86a2855e2ed6bf" +
        "0aae1a3ef20cdc6f5f2f1098be46500d89fdb44b9:2048a5fc0f2efcc818c49743d07c55f24c6f1e77a013a15c044aa8cea4" +
        "cf8fb6cf26fdce81a53ba62372813543021bb8f6ac8a4a6b6b1aa61a486c1bb961c0c7",

        "9704ac4eb5:0:954bc941ba3f6bc3841c67529a58b84e6bc13472b6fa0470783eaf519cab637f372d20bc76e9bb5e9993db1" +
        "61621a5ec89128963f68e4e2843b2b4098055b307:0c8e7005d24acbb2b09d2d6c06c7aa5c2d55f54250990089a0064c77fa" +
        "ec555294c51a0a0465e9503488618e6aa92229a85e2dda7c760abe70e528234236e030",

        "b813379072:0:bf0f2735c6894aaab75e002ccc809a7f1254ee5f3966ac93c4ff68509c2321572adac5e49582bbae9d4a1bc" +
        "3e80b123dad4be2388f0f92a552e408fd01451c4b:d750385440d149801f178b29d5aad3ab9cc260a457ce2e81f2490b43c6" +
        "8ac7e32065835ff41811b03d07bbd08f849cc7b1503b6427945ae53f62eb89fd7092e9",
    ];

    public static NodeIdentity Get(int index) => NodeIdentity.Parse(Texts[index]);
}
