using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;
using X86Aes = System.Runtime.Intrinsics.X86.Aes;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// One round of AES (FIPS 197) with the processor's instructions. x86's add the round key at the end of the round, ARM's at the beginning.
/// Here it is added at the end: ARM's instructions get a zero key, and the round key is XORed afterwards.
/// </summary>
internal static class AesRound
{
    public static bool IsSupported => X86Aes.IsSupported || ArmAes.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Encrypt(Vector128<byte> block, Vector128<byte> key) => X86Aes.IsSupported
        ? X86Aes.Encrypt(block, key)
        : ArmAes.MixColumns(ArmAes.Encrypt(block, Vector128<byte>.Zero)) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> EncryptLast(Vector128<byte> block, Vector128<byte> key) => X86Aes.IsSupported
        ? X86Aes.EncryptLast(block, key)
        : ArmAes.Encrypt(block, Vector128<byte>.Zero) ^ key;

    /// <summary>A round of the equivalent inverse cipher (5.3.5).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Decrypt(Vector128<byte> block, Vector128<byte> key) => X86Aes.IsSupported
        ? X86Aes.Decrypt(block, key)
        : ArmAes.InverseMixColumns(ArmAes.Decrypt(block, Vector128<byte>.Zero)) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> DecryptLast(Vector128<byte> block, Vector128<byte> key) => X86Aes.IsSupported
        ? X86Aes.DecryptLast(block, key)
        : ArmAes.Decrypt(block, Vector128<byte>.Zero) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseMixColumns(Vector128<byte> key) => X86Aes.IsSupported
        ? X86Aes.InverseMixColumns(key)
        : ArmAes.InverseMixColumns(key);

    /// <summary>SubWord of the key expansion (5.2), by a last round: ShiftRows does not change a state of four equal columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SubstituteWord(uint word) => EncryptLast(Vector128.Create(word).AsByte(), Vector128<byte>.Zero).AsUInt32()[0];
}
